package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// inspectRows: what it costs to look at a chain, and to judge a policy.
var inspectRows = []row{
	{delayed, "inspect sa, wall at 20 ms", "its longest chain of dependent requests by net/http", 1.5, (*bench).inspect},
	{nil, "a trust policy of 2 KB, parsed and evaluated", "encoding/json", 10, (*bench).evaluate},
}

func (b *bench) inspect() (outcome, error) {
	chain, err := b.protocol("chain")
	if err != nil {
		return outcome{}, err
	}
	look := admin(b.program("kubectl-irsa"), "inspect", "sa", "cart")
	ours, bare, err := pair(b.rounds, task{nil, [][]string{look}}, chain)
	return walls(ours, bare), err
}

func (b *bench) evaluate() (outcome, error) {
	const provider = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/ABCDEF"
	text, err := largePolicy(provider)
	if err != nil {
		return outcome{}, err
	}
	request := trustpolicy.WebIdentity(provider, irsa.DefaultAudience, irsa.Subject("shop", "cart"))
	ours := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			policy, err := trustpolicy.Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			trustpolicy.Evaluate(policy, request)
		}
	})
	bare := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			var any any
			if err := json.Unmarshal(text, &any); err != nil {
				b.Fatal(err)
			}
		}
	})
	return outcome{float64(ours.NsPerOp()) / float64(bare.NsPerOp()), fmt.Sprint(time.Duration(ours.NsPerOp())), fmt.Sprint(time.Duration(bare.NsPerOp()))}, nil
}

// largePolicy has as many statements as a role's quota takes.
func largePolicy(provider string) ([]byte, error) {
	text, err := trustpolicy.New(trustpolicy.Trust{Provider: provider, Audience: irsa.DefaultAudience, Subject: irsa.Subject("shop", "cart")})
	for i := 0; err == nil && trustpolicy.Size(text) < trustpolicy.QuotaSize-400; i++ {
		var policy *trustpolicy.Policy
		if policy, err = trustpolicy.Parse(text); err != nil {
			break
		}
		var patch trustpolicy.Patch
		patch, err = trustpolicy.AddStatement(policy, trustpolicy.Trust{
			Provider: provider, Audience: irsa.DefaultAudience, Subject: irsa.Subject("team", strings.Repeat("x", i+1)),
		})
		if err == nil {
			text, err = patch.Apply(text)
		}
	}
	return text, err
}
