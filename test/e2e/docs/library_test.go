package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// library is the program of docs/library.md.
func library(document []byte) error {
	policy, err := trustpolicy.Parse(document)
	if err != nil {
		return err // says line and column
	}
	provider := irsa.ProviderARN("aws", "111122223333", "https://oidc.example.com")
	request := trustpolicy.WebIdentity(provider, "sts.amazonaws.com", irsa.Subject("shop", "cart"))
	evaluation := trustpolicy.Evaluate(policy, request)
	if evaluation.Decision.Denied() {
		if miss, ok := evaluation.NearestMiss(); ok {
			fmt.Println(miss.Check.Reason())
		}
	}
	return nil
}

func Example_library() {
	err := library([]byte(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
		"Action": "sts:AssumeRoleWithWebIdentity",
		"Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.example.com"},
		"Condition": {"StringEquals": {"oidc.example.com:sub": "system:serviceaccount:shop:card"}}}]}`))
	if err != nil {
		fmt.Println(err)
	}
	// Output: oidc.example.com:sub is "system:serviceaccount:shop:cart", which does not match StringEquals "system:serviceaccount:shop:card"
}

// TestTheLibraryPageShowsAProgramThatRuns compares the page's block with the program above.
func TestTheLibraryPageShowsAProgramThatRuns(t *testing.T) {
	source, err := os.ReadFile("library_test.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "library.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "```go\n")
	block, _, _ = strings.Cut(block, "```")
	if !found || !strings.Contains(bare(string(source)), bare(block)) {
		t.Errorf("docs/library.md shows another program than this file runs:\n%s", block)
	}
}

// bare is a program without its indentation.
func bare(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
