package conformance_test

import (
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/conformance"
)

func TestTheDoubleAnswersAsAWSDoes(t *testing.T) {
	for server, generation := range map[conformance.Server]awstest.Generation{
		conformance.AWS: awstest.Texts2026, conformance.AWSBefore2026: awstest.TextsBefore2026,
	} {
		t.Run(string(server), func(t *testing.T) {
			double := awstest.New(t, awstest.Options{Generation: generation})
			results, err := conformance.Run(t.Context(), conformance.Target{
				Server: server, Client: double.Client(), Admin: double.Account.Admin,
				Bucket: "irsa-conformance", Now: time.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(results) != len(conformance.Cases()) {
				t.Errorf("%d of %d cases were tried", len(results), len(conformance.Cases()))
			}
			for _, r := range results {
				t.Run(r.Case.Name, func(t *testing.T) {
					if !r.Agrees() {
						t.Errorf("got %+v %s\nwant %+v", r.Got, r.Fault, r.Want)
					}
				})
			}
		})
	}
}

func TestEveryCaseSaysWhereItsAnswerComesFrom(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range conformance.Cases() {
		if c.Source == "" || seen[c.Name] {
			t.Errorf("%q has no source, or its name is used twice", c.Name)
		}
		seen[c.Name] = true
		for server, d := range c.Differs {
			if d.Because == "" || d.Answer == c.Want {
				t.Errorf("%q: the difference of %s is none, or nothing settles it", c.Name, server)
			}
		}
	}
}
