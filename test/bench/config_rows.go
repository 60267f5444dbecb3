package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
)

// configRows: what it costs to change a large ~/.aws/config. Generated ones have a
// profile for each role of each account.
var configRows = []row{
	{nil, "a profile changed among 16,000", "8 times one among 2,000", 2, (*bench).editMany},
}

func (b *bench) editMany() (outcome, error) {
	const few, times = 2_000, 8
	many, bare := edits(few*times), edits(few)
	return outcome{
		many.Seconds() / (times * bare.Seconds()),
		milliseconds(many), milliseconds(times * bare),
	}, nil
}

// edits is the time of one edit of a configuration of n profiles.
func edits(n int) time.Duration {
	var text []byte
	for i := range n {
		text = fmt.Appendf(text, "[profile p%d]\nregion = us-east-1\ncredential_process = /usr/bin/tool --x=%d\n\n", i, i)
	}
	change := awsconfig.Change{Profile: "p7", Set: []awsconfig.Setting{{Key: "region", Value: "eu-west-1"}}}
	measured := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			file, err := awsconfig.Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := file.Apply(change); err != nil {
				b.Fatal(err)
			}
		}
	})
	return time.Duration(measured.NsPerOp())
}
