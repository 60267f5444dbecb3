package trustpolicy_test

import (
	"fmt"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// A role trusts the ServiceAccount cart, and carts asks to be let in.
func ExampleEvaluate() {
	const provider = "arn:aws:iam::111122223333:oidc-provider/oidc.example"
	document, err := trustpolicy.New(trustpolicy.Trust{
		Provider: provider,
		Audience: "sts.amazonaws.com",
		Subject:  "system:serviceaccount:shop:cart",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	policy, err := trustpolicy.Parse(document)
	if err != nil {
		fmt.Println(err)
		return
	}
	request := trustpolicy.WebIdentity(provider, "sts.amazonaws.com", "system:serviceaccount:shop:carts")
	evaluation := trustpolicy.Evaluate(policy, request)
	fmt.Println(evaluation.Decision)
	if miss, ok := evaluation.NearestMiss(); ok && miss.Difference != nil {
		fmt.Println(miss.Check.Key)
		fmt.Println(miss.Difference.Expected)
		fmt.Println(miss.Difference.Actual)
		fmt.Println(strings.Repeat(" ", miss.Difference.ActualColumn) + "^")
		fmt.Println(miss.Patch.Edits[0].New)
	}
	// Output:
	// implicit deny
	// oidc.example:sub
	// system:serviceaccount:shop:cart
	// system:serviceaccount:shop:carts
	//                                ^
	// ["system:serviceaccount:shop:cart", "system:serviceaccount:shop:carts"]
}
