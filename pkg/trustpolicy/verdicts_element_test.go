package trustpolicy_test

import "github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"

var variableVerdicts = map[string]verdict{
	"a variable is replaced by its key": {
		policy: doc(allow(`"StringEquals":{"%sub":"system:serviceaccount:${aws:RequestTag/ns}:cart"}`)), with: map[string][]string{"aws:RequestTag/ns": {"shop"}},
		want: yes, rule: variables + "#policy-vars-conditionelement",
	},
	"a variable in a pattern": {
		policy: doc(allow(`"StringLike":{"%sub":"*:${aws:RequestTag/ns}:*"}`)), with: map[string][]string{"aws:RequestTag/ns": {"shop"}},
		want: yes, rule: variables + "#policy-vars-conditionelement",
	},
	"the key of a variable is found in any case": {
		policy: doc(allow(`"StringEquals":{"%sub":"system:serviceaccount:${AWS:requesttag/NS}:cart"}`)), with: map[string][]string{"aws:RequestTag/ns": {"shop"}},
		want: yes, rule: variables + "#policy-vars-infoallreqs",
	},
	"a variable that is not known": {
		policy: doc(allow(`"StringEquals":{"%sub":"${aws:username}"}`)),
		want:   unknown, rule: variables + "#policy-vars-using-variables",
	},
	"a variable without a value does not match": {
		policy: doc(allow(`"StringEquals":{"%sub":"${aws:username}"}`)), absent: []string{"aws:username"},
		want: no, rule: variables + "#policy-vars-no-value",
	},
	"a variable without a value beside one that matches may void the statement": {
		policy: doc(allow(`"StringEquals":{"%sub":["%cart","${aws:username}"]}`)), absent: []string{"aws:username"},
		want: unknown, rule: variables,
	},
	"a variable without a value differs from everything": {
		policy: doc(allow(`"StringNotEquals":{"%sub":"${aws:username}"}`)), absent: []string{"aws:username"},
		want: yes, rule: variables + "#policy-vars-no-value",
	},
	"a variable without a value does not save a negated list": {
		policy: doc(allow(`"StringNotEquals":{"%sub":["${aws:username}","%cart"]}`)), absent: []string{"aws:username"},
		want: no, rule: variables + "#policy-vars-no-value",
	},
	"a default stands in for an absent key": {
		policy: doc(allow(`"StringEquals":{"%sub":"system:serviceaccount:${aws:RequestTag/ns, 'shop'}:cart"}`)), absent: []string{"aws:RequestTag/ns"},
		want: yes, rule: variables + "#policy-vars-default-values",
	},
	"a default does not stand in for a key that is there": {
		policy: doc(allow(`"StringEquals":{"%sub":"system:serviceaccount:${aws:RequestTag/ns, 'shop'}:cart"}`)), with: map[string][]string{"aws:RequestTag/ns": {"bank"}},
		want: no, rule: variables + "#policy-vars-default-values",
	},
	"a default does not stand in for a key that is not known": {
		policy: doc(allow(`"StringEquals":{"%sub":"system:serviceaccount:${aws:RequestTag/ns, 'shop'}:cart"}`)),
		want:   unknown, rule: variables + "#policy-vars-default-values",
	},
	"whether a star in a variable's value is a wildcard is not said": {
		policy: doc(allow(`"StringLike":{"%sub":"system:serviceaccount:${aws:RequestTag/ns}:cart"}`)), with: map[string][]string{"aws:RequestTag/ns": {"*"}},
		want: unknown, rule: variables + "#policy-vars-specialchars",
	},
	"an escaped star is a star": {
		policy: doc(allow(`"StringLike":{"%sub":"system:serviceaccount:shop:${*}"}`)),
		want:   no, rule: variables + "#policy-vars-specialchars",
	},
	"an escaped star matches a star": {
		policy: doc(allow(`"StringLike":{"%issuer:amr":"a${*}*"}`)), with: map[string][]string{issuer + ":amr": {"a*b"}},
		want: yes, rule: variables + "#policy-vars-specialchars",
	},
	"an escaped question mark under StringEquals": {
		policy: doc(allow(`"StringEquals":{"%issuer:amr":"a${?}${$}{b}"}`)), with: map[string][]string{issuer + ":amr": {"a?${b}"}},
		want: yes, rule: variables + "#policy-vars-specialchars",
	},
	"without a Version a variable is plain text": {
		policy: old(allow(`"StringEquals":{"%issuer:amr":"${aws:username}"}`)), with: map[string][]string{issuer + ":amr": {"${aws:username}"}},
		want: yes, rule: versions,
	},
	"in the old Version a variable is plain text": {
		policy: words.Replace(`{"Version":"2008-10-17","Statement":` + allow(`"StringEquals":{"%sub":"${aws:username}"}`) + `}`), with: map[string][]string{"aws:username": {subject}},
		want: no, rule: versions,
	},
	"a key with several values is no variable": {
		policy: doc(allow(`"StringEquals":{"%sub":"${%issuer:amr}"}`)), with: map[string][]string{issuer + ":amr": {"a", "b"}},
		want: unknown, rule: sets + "#reference_policies_condition-key-points",
	},
	"a variable that is never closed": {
		policy: doc(allow(`"StringEquals":{"%sub":"${aws:username"}`)),
		want:   unknown, rule: checks + "#access-analyzer-reference-policy-checks-error-missing-brace-in-variable",
	},
}

var principalVerdicts = map[string]verdict{
	"a list of providers is a list of alternatives": {
		policy: doc(who(`"Principal":{"Federated":["arn:aws:iam::111122223333:oidc-provider/other.example","%provider"]}`)),
		want:   yes, rule: principals + "#Principal_specifying",
	},
	"types of a principal map are alternatives": {
		policy: doc(who(`"Principal":{"AWS":"111122223333","Federated":"%provider"}`)),
		want:   yes, rule: principals + "#Principal_specifying",
	},
	"the provider of another account is another principal": {
		policy: doc(who(`"Principal":{"Federated":"arn:aws:iam::444455556666:oidc-provider/%issuer"}`)),
		want:   no, rule: principals + "#principal-federated-web-identity",
	},
	"the provider of another partition is another principal": {
		policy: doc(who(`"Principal":{"Federated":"arn:aws-cn:iam::111122223333:oidc-provider/%issuer"}`)),
		want:   no, rule: principals + "#principal-federated-web-identity",
	},
	"a part of a provider's path is another principal": {
		policy: doc(who(`"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.s3.us-east-1.amazonaws.com"}`)),
		want:   no, rule: principals + "#principal-federated-web-identity",
	},
	"a wildcard does not match a part of an ARN": {
		policy: doc(who(`"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/*"}`)),
		want:   no, rule: principals + "#principal-anonymous",
	},
	"a principal that is a star is everybody": {
		policy: doc(who(`"Principal":"*"`)),
		want:   yes, rule: principals + "#principal-anonymous",
	},
	"a star under AWS is the same for anonymous users only": {
		policy: doc(who(`"Principal":{"AWS":"*"}`)),
		want:   unknown, rule: principals + "#principal-anonymous",
	},
	"a star under Federated is no form the page gives": {
		policy: doc(who(`"Principal":{"Federated":"*"}`)),
		want:   unknown, rule: checks + "#access-analyzer-reference-policy-checks-error-unsupported-wildcard-in-principal",
	},
	"an account is no web identity": {
		policy: doc(who(`"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`)),
		want:   no, rule: principals + "#principal-accounts",
	},
	"the provider's ARN under AWS does not match": {
		policy: doc(who(`"Principal":{"AWS":"%provider"}`)),
		want:   no, rule: principals + "#principal-federated-web-identity",
	},
	"a service is no web identity": {
		policy: doc(who(`"Principal":{"Service":"ec2.amazonaws.com"}`)),
		want:   no, rule: principals + "#principal-services",
	},
	"a well-known provider is named by its domain": {
		policy: doc(who(`"Principal":{"Federated":"accounts.google.com"}`)), principal: "accounts.google.com",
		want: yes, rule: principals + "#principal-federated-web-identity",
	},
	"a principal map without entries names nobody": {
		policy: doc(who(`"Principal":{}`)),
		want:   no, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-object-principal",
	},
	"NotPrincipal spares the one it names": {
		policy: doc(open, `{"Effect":"Deny","NotPrincipal":{"Federated":"%provider"},"Action":"%web"}`),
		want:   yes, rule: notPrin,
	},
	"NotPrincipal denies everybody else": {
		policy: doc(open, `{"Effect":"Deny","NotPrincipal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/other.example"},"Action":"%web"}`),
		want:   denied, rule: notPrin,
	},
	"NotPrincipal with Allow is not supported": {
		policy: doc(who(`"NotPrincipal":{"AWS":"111122223333"}`)),
		want:   unknown, rule: notPrin,
	},
	"NotPrincipal with Allow does not allow the one it names": {
		policy: doc(who(`"NotPrincipal":{"Federated":"%provider"}`)),
		want:   no, rule: notPrin,
	},
}

var actionVerdicts = map[string]verdict{
	"an action in any case": {
		policy: doc(what(`"Action":"STS:assumerolewithwebidentity"`)),
		want:   yes, rule: actions,
	},
	"a list of actions": {
		policy: doc(what(`"Action":["sts:TagSession","%web"]`)),
		want:   yes, rule: actions,
	},
	"every action of STS": {
		policy: doc(what(`"Action":"sts:*"`)),
		want:   yes, rule: actions,
	},
	"every action": {
		policy: doc(what(`"Action":"*"`)),
		want:   yes, rule: grammar + "#policies-grammar-bnf",
	},
	"a wildcard inside an action": {
		policy: doc(what(`"Action":"sts:Assume*Identity"`)),
		want:   yes, rule: actions,
	},
	"a wildcard in any case": {
		policy: doc(what(`"Action":"STS:assumeRole*"`)),
		want:   yes, rule: actions,
	},
	"AssumeRole is another action": {
		policy: doc(what(`"Action":"sts:AssumeRole"`)),
		want:   no, rule: actions,
	},
	"AssumeRoleWithSAML is another action": {
		policy: doc(what(`"Action":"sts:AssumeRoleWithSAML"`)),
		want:   no, rule: actions,
	},
	"no action at all": {
		policy: doc(what(`"Action":[]`)),
		want:   no, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-action",
	},
	"NotAction covers what it does not name": {
		policy: doc(what(`"NotAction":"sts:AssumeRole"`)),
		want:   yes, rule: notActions,
	},
	"NotAction leaves out what it names": {
		policy: doc(what(`"NotAction":["%web"]`)),
		want:   no, rule: notActions,
	},
	"NotAction in a Deny": {
		policy: doc(open, `{"Effect":"Deny","Principal":"*","NotAction":"sts:AssumeRole*"}`),
		want:   yes, rule: notActions,
	},
	"session tags need an action of their own": {
		policy: doc(what(`"Action":"%web"`)), action: trustpolicy.ActionTagSession,
		want: no, rule: tagSession,
	},
	"session tags allowed by a statement of their own": {
		policy: doc(what(`"Action":"%web"`), what(`"Action":"sts:TagSession"`)), action: trustpolicy.ActionTagSession,
		want: yes, rule: tagSession,
	},
}

var effectVerdicts = map[string]verdict{
	"a policy without statements allows nothing": {
		policy: doc(),
		want:   no, rule: denyAllow,
	},
	"one statement need not be a list": {
		policy: words.Replace(`{"Version":"2012-10-17","Statement":` + open + `}`),
		want:   yes, rule: grammar + "#policies-grammar-conventions",
	},
	"elements in any order": {
		policy: words.Replace(`{"Statement":[{"Condition":{},"Action":"%web","Principal":{"Federated":"%provider"},"Effect":"Allow"}],"Version":"2012-10-17"}`),
		want:   yes, rule: grammar + "#policies-grammar-notes",
	},
	"one allow among statements that do not apply": {
		policy: doc(allow(`"StringEquals":{"%sub":"other"}`), allow(`"StringEquals":{"%sub":"%cart"}`)),
		want:   yes, rule: denyAllow,
	},
	"a deny beats an allow": {
		policy: doc(open, deny(`"StringEquals":{"%sub":"%cart"}`)),
		want:   denied, rule: denyAllow,
	},
	"a deny beats an allow that comes later": {
		policy: doc(deny(`"StringLike":{"%sub":"*:shop:*"}`), open),
		want:   denied, rule: denyAllow,
	},
	"a deny that does not apply": {
		policy: doc(open, deny(`"StringEquals":{"%sub":"other"}`)),
		want:   yes, rule: denyAllow,
	},
	"a deny alone": {
		policy: doc(deny(``)),
		want:   denied, rule: denyAllow,
	},
	"an unknown deny does not matter when nothing allows": {
		policy: doc(allow(`"StringEquals":{"%sub":"other"}`), deny(`"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`)),
		want:   no, rule: denyAllow,
	},
	"an unknown allow does not matter when another allows": {
		policy: doc(open, allow(`"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`)),
		want:   yes, rule: denyAllow,
	},
}

var keyVerdicts = map[string]verdict{
	"names of keys have no case, the claim's included": {
		policy: doc(allow(`"StringEquals":{"OIDC.s3.us-east-1.amazonaws.com/Clusters/one:Sub":"%cart"}`)),
		want:   yes, rule: conditions,
	},
	"the key of another issuer is absent": {
		policy: doc(allow(`"StringEquals":{"other.example/id:sub":"%cart"}`)),
		want:   no, rule: wifKeys,
	},
	"the key of another issuer is absent, and IfExists lets everybody in": {
		policy: doc(allow(`"StringEqualsIfExists":{"other.example/id:sub":"somebody"}`)),
		want:   yes, rule: wifKeys,
	},
	"a key with the scheme of the issuer is another key": {
		policy: doc(allow(`"StringEquals":{"https://%sub":"%cart"}`)),
		want:   no, rule: wifKeys,
	},
	"a key with a slash behind the issuer is another key": {
		policy: doc(allow(`"StringEquals":{"%issuer/:sub":"%cart"}`)),
		want:   no, rule: wifKeys,
	},
	"keys of SAML are absent": {
		policy: doc(allow(`"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}`)),
		want:   no, rule: guide + "reference_policies_iam-condition-keys.html#condition-keys-saml",
	},
	"a key of AWS that nobody supplied is not known": {
		policy: doc(allow(`"StringEquals":{"sts:RoleSessionName":"cart"}`)),
		want:   unknown, rule: guide + "reference_policies_iam-condition-keys.html#ck_rolesessionname",
	},
	"a tag with a colon in its name is a key of AWS": {
		policy: doc(allow(`"StringEquals":{"aws:RequestTag/kubernetes.io/team:name":"x"}`)),
		want:   unknown, rule: guide + "reference_policies_condition-keys.html#condition-keys-requesttag",
	},
	"another claim of the provider is not known": {
		policy: doc(allow(`"StringEquals":{"%issuer:email":"a@example.com"}`)),
		want:   unknown, rule: wifKeys,
	},
	"another claim of the provider in capitals is not known either": {
		policy: doc(allow(`"StringEquals":{"OIDC.s3.us-east-1.amazonaws.com/clusters/ONE:email":"a@example.com"}`)),
		want:   unknown, rule: conditions,
	},
	"a key that is there twice in different case": {
		policy: doc(allow(`"StringEquals":{"%issuer:sub":"%cart","%issuer:Sub":"%cart"}`)),
		want:   unknown, rule: checks + "#access-analyzer-reference-policy-checks-error-duplicate-keys-with-different-case",
	},
}
