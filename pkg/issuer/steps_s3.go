package issuer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

func (p *Publisher) bucketSteps(ctx context.Context) []plan.Step {
	_, direct := LocationOf(p.Live.Discovery.Issuer)
	p.bucket = bucket{s3: p.S3, name: p.Target.Location.Bucket, region: p.Target.Location.Region, open: direct, sleep: p.Sleep}
	p.stored = sync.OnceValues(func() (stored, error) {
		if !p.exists {
			was := stored{keysURI: p.keysURI(nil)}
			if direct {
				return was, nil
			}
			return p.withElsewhere(was), nil
		}
		if seen, all := p.seenOutside(); all {
			return seen, nil
		}
		return p.fetchStored(ctx)
	})
	name := p.bucket.name
	steps := []plan.Step{{ID: StepBucket, Title: "create the bucket " + name, Look: p.lookBucket, Apply: p.bucket.create}}
	if p.CreateBucket {
		steps = append(steps, plan.Step{
			ID: StepTags, Title: "mark the bucket " + name + " as ours", After: []string{StepBucket},
			Look: p.lookTags, Apply: p.applyTags,
		})
	}
	if direct {
		steps = append(steps,
			plan.Step{
				ID: StepBlock, Title: "let a policy open the bucket " + name, After: []string{StepBucket},
				Look: p.lookBlock, Apply: p.applyBlock,
			},
			plan.Step{
				ID: StepPolicy, Title: "let anybody read the two documents", After: []string{StepBucket},
				Look: p.lookPolicy, Apply: p.applyPolicy,
			})
	}
	return append(steps,
		plan.Step{ID: StepKeys, Title: "publish the keys", After: []string{StepBucket}, Look: p.lookKeys, Apply: p.applyKeys},
		plan.Step{ID: StepDiscovery, Title: "publish the discovery document", After: []string{StepKeys}, Look: p.lookDiscovery, Apply: p.applyDiscovery},
		plan.Step{ID: StepReachable, Title: "fetch both as anybody would", Mends: true, After: []string{StepDiscovery}, Look: p.lookReachable, Apply: p.applyReachable},
	)
}

// lookBucket finds out whose credentials these are, where the bucket is, and
// whether it is there at all.
func (p *Publisher) lookBucket(ctx context.Context) (plan.State, string, error) {
	identity, err := p.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return plan.Unknown, "", fmt.Errorf("asking whose credentials these are: %w", awsapi.Brief(err))
	}
	p.account = aws.ToString(identity.Account)
	p.bucket.owner = p.account
	asked := p.bucket.region
	p.bucket.region = RegionFor(p.Live.Discovery.Issuer, p.Target.Location, p.Region)
	region, err := p.bucket.find(ctx)
	switch {
	case taken(err):
		return plan.Conflict, fmt.Sprintf("S3 answers 403: the bucket exists, and either belongs to an account other than %s,\n"+
			"or these credentials (%s) lack s3:ListBucket on it. A name that is free would be 404.", p.account, aws.ToString(identity.Arn)), nil
	case err != nil:
		return plan.Unknown, "", fmt.Errorf("looking for the bucket: %w", awsapi.Brief(err))
	case region == "" && !p.CreateBucket:
		return plan.Conflict, "there is no such bucket in any account\n--create-bucket makes it", nil
	case region == "":
		return plan.Needed, fmt.Sprintf("in %s, account %s", p.bucket.region, p.account), nil
	case asked != "" && region != asked:
		return plan.Conflict, fmt.Sprintf("the bucket is in %s and the issuer's URL says %s: S3 answers with a redirect, which AWS does not follow\n"+
			"  issuer  %s", region, asked, p.Live.Discovery.Issuer), nil
	}
	p.bucket.region, p.exists = region, true
	return plan.Done, fmt.Sprintf("in %s, account %s", region, p.account), nil
}

const publicAlready = "anybody reads both already"

func (p *Publisher) lookBlock(ctx context.Context) (plan.State, string, error) {
	detail := "Block Public Access: BlockPublicPolicy and RestrictPublicBuckets off, ACLs stay blocked"
	if !p.exists {
		return plan.Needed, detail, nil
	}
	if p.open() {
		return plan.Done, publicAlready, nil
	}
	block, err := p.bucket.block(ctx)
	switch {
	case err != nil:
		return plan.Unknown, "", err
	case block == nil:
		return plan.Done, "nothing blocks one", nil
	case aws.ToBool(block.BlockPublicPolicy) || aws.ToBool(block.RestrictPublicBuckets):
		return plan.Needed, detail, nil
	}
	return plan.Done, "nothing blocks one", nil
}

func (p *Publisher) applyBlock(ctx context.Context) error {
	block, err := p.bucket.block(ctx)
	if err != nil {
		return err
	}
	if block == nil {
		if p.exists {
			return nil
		}
		block = &types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true)}
	}
	block.BlockPublicPolicy, block.RestrictPublicBuckets = aws.Bool(false), aws.Bool(false)
	p.relaxed = true
	return p.bucket.putBlock(ctx, block)
}

// documentARNs are the two objects that anybody may read, and nothing else.
func (p *Publisher) documentARNs() ([]string, error) {
	was, err := p.stored()
	at := p.at()
	return []string{at.ARN(at.DiscoveryKey()), at.ARN(p.keysKey(was))}, err
}

// at is the target with the region that the bucket is really in.
func (p *Publisher) at() Location {
	at := p.Target.Location
	at.Region = p.bucket.region
	return at
}

func (p *Publisher) lookPolicy(ctx context.Context) (plan.State, string, error) {
	arns, err := p.documentARNs()
	if err != nil {
		return plan.Unknown, "", err
	}
	detail := "s3:GetObject for everybody on\n" + strings.Join(arns, "\n")
	if !p.exists {
		return plan.Needed, detail, nil
	}
	if p.open() {
		return plan.Done, publicAlready, nil
	}
	text, err := p.bucket.policy(ctx)
	if err != nil {
		return plan.Unknown, "", err
	}
	_, changed, err := openPolicy(text, arns)
	switch {
	case err != nil:
		return plan.Conflict, err.Error(), nil
	case !changed:
		return plan.Done, "the bucket policy says so", nil
	case text != "":
		detail = "a statement beside those of the bucket policy: " + detail
	}
	return plan.Needed, detail, nil
}

func (p *Publisher) applyPolicy(ctx context.Context) error {
	arns, err := p.documentARNs()
	if err != nil {
		return err
	}
	text, err := p.bucket.policy(ctx)
	if err != nil {
		return err
	}
	merged, changed, err := openPolicy(text, arns)
	if err != nil || !changed {
		return err
	}
	ofAccount := sync.OnceValue(func() *types.PublicAccessBlockConfiguration { return p.bucket.accountBlock(ctx) })
	err = p.bucket.until(ctx, func(err error) bool {
		return p.bucket.unsettled(err) || blocked(err) && ofAccount() == nil || p.relaxed && bare(err)
	}, func() error { return p.bucket.putPolicy(ctx, merged) })
	if !blocked(err) {
		return p.bucket.denied(err, "s3:PutBucketPolicy", "")
	}
	const instead = "where it has to stay on, put CloudFront before a private bucket and make its URL the issuer"
	if block := ofAccount(); block != nil {
		return hint.Wrap(awsapi.Brief(err), "Block Public Access of the account refuses every public policy, whatever the bucket says; an administrator may relax it for policies:",
			relaxed(p.account, block), instead)
	}
	return hint.Wrap(awsapi.Brief(err), "the bucket itself blocks no policy: Block Public Access of the account, or a policy of the organization, does",
		fmt.Sprintf("an administrator of account %s sees it with: aws s3control get-public-access-block --account-id %s", p.account, p.account), instead)
}

func (p *Publisher) lookKeys(ctx context.Context) (plan.State, string, error) {
	was, err := p.stored()
	if err == nil {
		err = p.decide(ctx, was)
	}
	if err != nil {
		return conflict(err)
	}
	if p.Prune {
		doomed := was.public().Without(p.docs.Keys)
		p.merge.Doomed = &doomed
	}
	detail := describeKeys(p.keyList)
	if p.holds(was) {
		return plan.Done, detail, nil
	}
	p.pending = true
	return plan.Needed, p.docs.Discovery.JWKSURI + p.sealed(was.keys) + "\n" + detail, nil
}

// sealed says that an object has to be written anew as it is, "" where it has not.
func (p *Publisher) sealed(o object) string {
	if p.bucket.open && sealed(o.encryption) {
		return ", which a key of KMS keeps from whoever has no credentials: it is written without one"
	}
	return ""
}

// attempts bounds the writes of one document while others write it too.
const attempts = 20

// applyKeys writes the key set, on the condition that it is still the one that
// was merged with; where it is not, it merges again.
func (p *Publisher) applyKeys(ctx context.Context) error {
	was, err := p.exact(ctx)
	if err != nil {
		return err
	}
	for try := range attempts {
		_, text, err := p.docs.Bytes()
		if err != nil {
			return err
		}
		if err = p.bucket.put(ctx, p.keysKey(was), text, was.keys); !errors.Is(err, errChanged) {
			return err
		}
		if was, err = p.again(ctx, try); err != nil || p.holds(was) {
			return err
		}
	}
	return fmt.Errorf("%w, %d times in a row", errChanged, attempts)
}

// again reads what somebody else wrote meanwhile and merges with it.
func (p *Publisher) again(ctx context.Context, try int) (stored, error) {
	plan.Note(ctx, "somebody else published at the same time: merging once more")
	pause := time.Duration(rand.Int64N(int64(20*time.Millisecond) << min(try, 6))) //nolint:gosec // spreads writers, keeps no secret
	if err := p.Sleep(ctx, pause); err != nil {
		return stored{}, err
	}
	return p.remerge(ctx)
}

// remerge reads what is stored now and merges the live keys with it.
func (p *Publisher) remerge(ctx context.Context) (stored, error) {
	was, err := p.fetchStored(ctx)
	if err != nil {
		return was, err
	}
	docs, keys, err := p.compose(was)
	if err != nil {
		return was, err
	}
	p.docs, p.keyList = docs, keys
	return was, nil
}

func (p *Publisher) lookDiscovery(context.Context) (plan.State, string, error) {
	was, err := p.stored()
	if err != nil {
		return plan.Unknown, "", err
	}
	if len(p.docs.Keys.Keys) == 0 {
		return plan.Needed, "", nil // the keys are in conflict, which is told there
	}
	if was.parsed.Discovery == nil {
		p.pending = true
		return plan.Needed, p.Live.Discovery.Issuer, nil
	}
	difference, hidden := differences(*was.parsed.Discovery, p.docs.Discovery), p.sealed(was.discovery)
	switch {
	case was.parsed.Discovery.Issuer != p.docs.Discovery.Issuer:
		return plan.Conflict, "the document there is another issuer's\n" + difference, nil
	case difference == "" && hidden == "":
		return plan.Done, p.Live.Discovery.Issuer, nil
	}
	p.pending = true
	if difference == "" {
		return plan.Needed, p.Live.Discovery.Issuer + hidden, nil
	}
	return plan.Needed, "changes\n" + difference, nil
}

func (p *Publisher) applyDiscovery(ctx context.Context) error {
	was, err := p.exact(ctx)
	if err != nil {
		return err
	}
	for try := range attempts {
		text, _, err := p.docs.Bytes()
		if err != nil {
			return err
		}
		if err = p.bucket.put(ctx, p.at().DiscoveryKey(), text, was.discovery); !errors.Is(err, errChanged) {
			return err
		}
		if was, err = p.again(ctx, try); err != nil {
			return err
		}
		if d := was.parsed.Discovery; d != nil && differences(*d, p.docs.Discovery) == "" {
			return nil
		}
	}
	return fmt.Errorf("%w, %d times in a row", errChanged, attempts)
}
