package creds

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
)

// minting is the cluster's half of an exchange: it fills in the session's token
// and, where they are open, its role and its audience.
type minting struct {
	Request
	accounts corev1client.ServiceAccountInterface
	session  *Session
}

// run asks for the token. The ServiceAccount is read beside that where something
// hangs on it, and made where it is missing and may be.
func (m *minting) run(ctx context.Context) (err error) {
	if m.session.Audience = m.Audience; m.Audience == "" {
		m.session.Audience, m.session.AudienceSource = irsa.DefaultAudience, FromDefault
	}
	if m.RoleARN != "" && m.Audience != "" && m.Accept == nil {
		err = m.ask(ctx)
	} else {
		err = m.askBeside(ctx)
	}
	if token.NoServiceAccount(err) && m.Create && m.RoleARN != "" {
		return m.create(ctx)
	}
	return err
}

// ask sends one TokenRequest, for the audience that the session has by now.
func (m *minting) ask(ctx context.Context) (err error) {
	m.session.Token, err = token.Create(ctx, m.accounts, token.Request{
		Namespace: m.Namespace, ServiceAccount: m.ServiceAccount,
		Audiences: []string{m.session.Audience}, Duration: m.TokenDuration,
	})
	return err
}

// askBeside is ask, and reads the ServiceAccount on the connection that the
// TokenRequest has opened.
func (m *minting) askBeside(ctx context.Context) error {
	reached, wait := abreast.Lead(ctx, m.ask)
	if !reached {
		return wait() // nobody is there to ask for anything else
	}
	account, lookErr := m.accounts.Get(ctx, m.ServiceAccount, metav1.GetOptions{})
	mintErr := wait()
	switch {
	case mintErr != nil && (m.RoleARN != "" || !token.NoServiceAccount(mintErr)):
		return mintErr
	case mintErr != nil:
		return NoAccount(ctx, m.accounts, m.Namespace, m.ServiceAccount)
	case lookErr != nil && m.RoleARN != "":
		return nil // not allowed to look is no failure where the role is given
	case lookErr != nil:
		return unread(m.Namespace, m.ServiceAccount, lookErr)
	}
	return m.take(ctx, account)
}

// take takes what is open from the ServiceAccount's annotations. Only one that
// names another audience costs a second token.
func (m *minting) take(ctx context.Context, account *corev1.ServiceAccount) error {
	s := m.session
	s.Account = account
	if m.RoleARN == "" {
		annotated := account.Annotations[irsa.AnnotationRoleARN]
		if annotated == "" {
			return NoRole(account)
		}
		if err := s.role(m.Request, annotated, FromAnnotation); err != nil {
			return fmt.Errorf("annotation %s of serviceaccount %s/%s: %w", irsa.AnnotationRoleARN, m.Namespace, m.ServiceAccount, err)
		}
	}
	minted := s.Audience
	if audience := account.Annotations[irsa.AnnotationAudience]; m.Audience == "" && audience != "" {
		s.Audience, s.AudienceSource = audience, FromAnnotation
	}
	if m.Accept != nil {
		if err := m.Accept(*s); err != nil {
			return err
		}
	}
	if s.Audience == minted {
		return nil
	}
	return m.ask(ctx)
}

// create makes the ServiceAccount, and asks for its token.
func (m *minting) create(ctx context.Context) error {
	made, err := m.accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: m.ServiceAccount}},
		metav1.CreateOptions{FieldManager: kubeapi.FieldManager})
	switch {
	case err == nil:
		m.session.Account, m.session.Created = made, true
	case !apierrors.IsAlreadyExists(err): // else somebody made it meanwhile
		return NotCreated(m.Namespace, m.ServiceAccount, err)
	}
	return m.ask(ctx)
}
