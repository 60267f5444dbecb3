package inject_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/inject"
)

// thousand is a stream of 1,000 Deployments, each of its own name.
func thousand(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&b, "---\n%s", bytes.Replace(text, []byte("name: cart "), fmt.Appendf(nil, "name: cart-%d ", i), 1))
	}
	return b.Bytes()
}

// TestAThousandDocuments holds injection to five times what it takes to read and
// print the same YAML with the same library; the least of three counts.
func TestAThousandDocuments(t *testing.T) {
	text := thousand(t, read(t, "testdata/deployment.in"))
	j := injector("")
	least := func(work func()) time.Duration {
		shortest := time.Hour
		for range 3 {
			start := time.Now()
			work()
			shortest = min(shortest, time.Since(start))
		}
		return shortest
	}
	bare := least(func() {
		decoder, encoder := yaml.NewDecoder(bytes.NewReader(text)), yaml.NewEncoder(io.Discard)
		for {
			var n yaml.Node
			if err := decoder.Decode(&n); err != nil {
				break
			}
			if err := encoder.Encode(&n); err != nil {
				t.Fatal(err)
			}
		}
	})
	ours := least(func() {
		changed := 0
		// Twice through, as the command does: it settles every role first.
		for d := range inject.Documents(bytes.NewReader(text)) {
			if _, err := inject.Look(d); err != nil {
				t.Fatal(err)
			}
		}
		for d := range inject.Documents(bytes.NewReader(text)) {
			_, workloads, err := j.Document(d)
			if err != nil {
				t.Fatal(err)
			}
			changed += len(workloads)
		}
		if changed != 1000 {
			t.Fatalf("%d workloads", changed)
		}
	})
	t.Logf("bare %v, inject %v: %.2f times", bare, ours, float64(ours)/float64(bare))
	if ours > 5*bare {
		t.Errorf("injection took %v, which is more than five times the %v of reading and printing", ours, bare)
	}
}
