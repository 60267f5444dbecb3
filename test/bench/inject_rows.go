package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/inject"
)

// injectRows: what it costs to change a large manifest.
var injectRows = []row{
	{nil, "inject, 1,000 Deployments, read twice as the command does", "parsing and printing the same YAML", 5, (*bench).inject},
}

const deployment = `---
# one of many
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart-%d
  namespace: shop
spec:
  selector:
    matchLabels: {app: cart}
  template:
    metadata:
      labels: {app: cart}
    spec:
      serviceAccountName: cart
      containers:
      - name: cart
        image: example.com/cart:1.2.3 # pinned
        env:
        - name: LOG_LEVEL
          value: info
        resources:
          requests: {cpu: 100m, memory: 64Mi}
`

func (b *bench) inject() (outcome, error) {
	var text bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&text, deployment, i)
	}
	injector := &inject.Injector{Identity: func(inject.Account) inject.Identity {
		identity := inject.Default()
		identity.RoleARN = "arn:aws:iam::111122223333:role/cart"
		return identity
	}}
	ours := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if err := injectAll(injector, text.Bytes()); err != nil {
				b.Fatal(err)
			}
		}
	})
	bare := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if err := reprint(text.Bytes()); err != nil {
				b.Fatal(err)
			}
		}
	})
	return outcome{
		float64(ours.NsPerOp()) / float64(bare.NsPerOp()),
		milliseconds(time.Duration(ours.NsPerOp())), milliseconds(time.Duration(bare.NsPerOp())),
	}, nil
}

func injectAll(injector *inject.Injector, text []byte) error {
	for document, err := range inject.Documents(bytes.NewReader(text)) {
		if err != nil {
			return err
		}
		if _, err := inject.Look(document); err != nil {
			return err
		}
	}
	changed := 0
	for document, err := range inject.Documents(bytes.NewReader(text)) {
		if err != nil {
			return err
		}
		_, workloads, err := injector.Document(document)
		if err != nil {
			return err
		}
		changed += len(workloads)
	}
	if changed != 1000 {
		return fmt.Errorf("%d of 1000 Deployments were changed", changed)
	}
	return nil
}

func reprint(text []byte) error {
	decoder, encoder := yaml.NewDecoder(bytes.NewReader(text)), yaml.NewEncoder(io.Discard)
	for {
		var node yaml.Node
		if err := decoder.Decode(&node); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := encoder.Encode(&node); err != nil {
			return err
		}
	}
}
