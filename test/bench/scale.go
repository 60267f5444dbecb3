package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// A large cluster: what the tables of a whole cluster are measured on.
const (
	manyAccounts   = 10_000
	manyPods       = 10_000
	manyRoles      = 500
	manyNamespaces = 20
	workers        = 16
)

// populate fills the world once.
func (b *bench) populate(ctx context.Context) error {
	done := filepath.Join(b.dir, "populated")
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	fmt.Fprintf(os.Stderr, "making %d ServiceAccounts, %d pods and %d roles\n", manyAccounts, manyPods, manyRoles)
	if err := populateCluster(ctx); err != nil {
		return err
	}
	if err := populateIAM(ctx); err != nil {
		return err
	}
	return os.WriteFile(done, nil, 0o600)
}

func populateCluster(ctx context.Context) error {
	restConfig, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return err
	}
	restConfig.QPS = -1
	core, err := corev1client.NewForConfig(restConfig)
	if err != nil {
		return err
	}
	for n := range manyNamespaces {
		space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespaceOf(n)}}
		if _, err := core.Namespaces().Create(ctx, space, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	err = each(manyAccounts, func(i int) error {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: accountOf(i), Annotations: map[string]string{
			irsa.AnnotationRoleARN: "arn:aws:iam::000000000000:role/" + roleOf(i),
		}}}
		_, err := core.ServiceAccounts(namespaceOf(i)).Create(ctx, account, metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	return each(manyPods, func(i int) error {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: accountOf(i)},
			Spec:       corev1.PodSpec{ServiceAccountName: accountOf(i), Containers: []corev1.Container{{Name: "app", Image: "app"}}},
		}
		_, err := core.Pods(namespaceOf(i)).Create(ctx, pod, metav1.CreateOptions{})
		return err
	})
}

func namespaceOf(i int) string { return fmt.Sprintf("team-%02d", i%manyNamespaces) }
func accountOf(i int) string   { return fmt.Sprintf("app-%05d", i) }
func roleOf(i int) string      { return fmt.Sprintf("app-%03d", i%manyRoles) }

func populateIAM(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1"),
		config.WithSharedCredentialsFiles([]string{os.Getenv("IRSA_ADMIN_CREDENTIALS")}), config.WithSharedConfigProfile("admin"))
	if err != nil {
		return err
	}
	client := iam.NewFromConfig(cfg)
	provider := irsa.ProviderARN("aws", "000000000000", os.Getenv("IRSA_ISSUER"))
	return each(manyRoles, func(i int) error {
		policy, err := trustpolicy.New(trustpolicy.Trust{
			Provider: provider, Audience: irsa.DefaultAudience, Subject: irsa.Subject(namespaceOf(i), accountOf(i)),
		})
		if err != nil {
			return err
		}
		_, err = client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(roleOf(i)), AssumeRolePolicyDocument: aws.String(string(policy))})
		return err
	})
}

// each calls do for 0 to n-1 from several workers and gives the first error.
func each(n int, do func(int) error) error {
	var (
		side  sync.WaitGroup
		once  sync.Once
		first error
		next  = make(chan int)
	)
	for range workers {
		side.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					once.Do(func() { first = err })
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	side.Wait()
	return first
}
