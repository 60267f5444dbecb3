package trustpolicy_test

var stringVerdicts = map[string]verdict{
	"the policy of the documentation lets its subject in": {
		policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`)),
		want:   yes, rule: trustRoles,
	},
	"StringEquals is exact": {
		policy: doc(allow(`"StringEquals":{"%sub":"system:serviceaccount:shop:car"}`)),
		want:   no, rule: operators + "#Conditions_String",
	},
	"StringEquals minds case": {
		policy: doc(allow(`"StringEquals":{"%sub":"system:serviceaccount:shop:Cart"}`)),
		want:   no, rule: operators + "#Conditions_String",
	},
	"StringEquals takes a star as it is": {
		policy: doc(allow(`"StringEquals":{"%sub":"system:serviceaccount:shop:*"}`)),
		want:   no, rule: operators + "#Conditions_String",
	},
	"StringEqualsIgnoreCase ignores case": {
		policy: doc(allow(`"StringEqualsIgnoreCase":{"%sub":"SYSTEM:serviceaccount:Shop:CART"}`)),
		want:   yes, rule: operators + "#Conditions_String",
	},
	"StringEqualsIgnoreCase ignores nothing else": {
		policy: doc(allow(`"StringEqualsIgnoreCase":{"%sub":"SYSTEM:serviceaccount:Shop:CARTS"}`)),
		want:   no, rule: operators + "#Conditions_String",
	},
	"StringNotEquals holds for another value": {
		policy: doc(allow(`"StringNotEquals":{"%sub":"system:serviceaccount:shop:till"}`)),
		want:   yes, rule: operators + "#Conditions_String",
	},
	"StringNotEquals fails for the value": {
		policy: doc(allow(`"StringNotEquals":{"%sub":"%cart"}`)),
		want:   no, rule: operators + "#Conditions_String",
	},
	"StringNotEqualsIgnoreCase fails for the value in capitals": {
		policy: doc(allow(`"StringNotEqualsIgnoreCase":{"%sub":"SYSTEM:SERVICEACCOUNT:SHOP:CART"}`)),
		want:   no, rule: operators + "#Conditions_String",
	},
	"StringLike with a star at the end": {
		policy: doc(allow(`"StringLike":{"%sub":"system:serviceaccount:shop:*"}`)),
		want:   yes, rule: operators + "#Conditions_String",
	},
	"StringLike with a star in the middle": {
		policy: doc(allow(`"StringLike":{"%sub":"system:*:cart"}`)),
		want:   yes, rule: operators + "#Conditions_String",
	},
	"StringLike with a star for nothing": {
		policy: doc(allow(`"StringLike":{"%sub":"%cart*"}`)),
		want:   yes, rule: operators + "#Conditions_String",
	},
	"StringLike without wildcards has to match whole": {
		policy: doc(allow(`"StringLike":{"%sub":"system:serviceaccount:shop"}`)),
		want:   no, rule: operators + "#Conditions_String",
	},
	"StringLike with a question mark for one character": {
		policy: doc(allow(`"StringLike":{"%sub":"system:serviceaccount:shop:car?"}`)),
		want:   yes, rule: operators + "#Conditions_String",
	},
	"StringLike with a question mark for no character": {
		policy: doc(allow(`"StringLike":{"%sub":"%cart?"}`)),
		want:   no, rule: operators + "#Conditions_String",
	},
	"StringLike with a question mark for a character of two bytes": {
		policy: doc(allow(`"StringLike":{"%issuer:amr":"caf?"}`)), with: map[string][]string{issuer + ":amr": {"café"}},
		want: yes, rule: operators + "#Conditions_String",
	},
	"StringLike minds case": {
		policy: doc(allow(`"StringLike":{"%sub":"system:serviceaccount:SHOP:*"}`)),
		want:   no, rule: operators + "#Conditions_String",
	},
	"StringLike goes back to a star more than once": {
		policy: doc(allow(`"StringLike":{"%sub":"*service*count*shop:c*t"}`)),
		want:   yes, rule: operators + "#Conditions_String",
	},
	"StringNotLike fails for what the pattern covers": {
		policy: doc(allow(`"StringNotLike":{"%sub":"system:serviceaccount:shop:*"}`)),
		want:   no, rule: operators + "#Conditions_String",
	},
	"StringNotLike holds for what the pattern leaves": {
		policy: doc(allow(`"StringNotLike":{"%sub":"system:serviceaccount:kube-system:*"}`)),
		want:   yes, rule: operators + "#Conditions_String",
	},
	"values of a list are alternatives": {
		policy: doc(allow(`"StringEquals":{"%sub":["system:serviceaccount:shop:till","%cart"]}`)),
		want:   yes, rule: logic + "#reference_policies_multiple-conditions-eval",
	},
	"values of a negated operator must all differ": {
		policy: doc(allow(`"StringNotEquals":{"%sub":["system:serviceaccount:shop:till","%cart"]}`)),
		want:   no, rule: logic + "#reference_policies_multiple-conditions-negated-matching-eval",
	},
	"keys of an operator must all match": {
		policy: doc(allow(`"StringEquals":{"%aud":"other","%sub":"%cart"}`)),
		want:   no, rule: logic + "#reference_policies_multiple-conditions-eval",
	},
	"operators must all match": {
		policy: doc(allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":"*:till"}`)),
		want:   no, rule: logic + "#reference_policies_multiple-conditions-eval",
	},
	"a value that is a number in the document is compared as text": {
		policy: doc(allow(`"StringEquals":{"%aud":42}`)), with: map[string][]string{issuer + ":aud": {"42"}},
		want: yes, rule: grammar + "#policies-grammar-json",
	},
	"a list of one is the same as its value": {
		policy: doc(allow(`"StringEquals":{"%aud":["%sts"],"%sub":["%cart"]}`)),
		want:   yes, rule: grammar + "#policies-grammar-conventions",
	},
	"a condition without keys asks for nothing": {
		policy: doc(allow(``)),
		want:   yes, rule: grammar + "#policies-grammar-bnf",
	},
	"a list without values is not documented": {
		policy: doc(allow(`"StringEquals":{"%sub":[]}`)),
		want:   unknown, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-condition",
	},
	"an operator that IAM does not know cannot be judged": {
		policy: doc(allow(`"StringMatches":{"%sub":"%cart"}`)),
		want:   unknown, rule: checks + "#access-analyzer-reference-policy-checks-error-invalid-condition-operator",
	},
}

var setVerdicts = map[string]verdict{
	"ForAllValues matches when every value does": {
		policy: doc(allow(`"ForAllValues:StringEquals":{"%issuer:amr":["a","b"]}`)), with: map[string][]string{issuer + ":amr": {"b", "a"}},
		want: yes, rule: sets,
	},
	"ForAllValues fails for one value too many": {
		policy: doc(allow(`"ForAllValues:StringEquals":{"%issuer:amr":["a","b"]}`)), with: map[string][]string{issuer + ":amr": {"a", "c"}},
		want: no, rule: sets,
	},
	"ForAllValues matches when the key is absent": {
		policy: doc(allow(`"ForAllValues:StringEquals":{"%issuer:amr":"a"}`)), absent: []string{issuer + ":amr"},
		want: yes, rule: sets,
	},
	"ForAllValues matches an empty data set": {
		policy: doc(allow(`"ForAllValues:StringEquals":{"%issuer:amr":"a"}`)), with: map[string][]string{issuer + ":amr": {""}},
		want: yes, rule: sets,
	},
	"ForAllValues with a negated operator wants none of them": {
		policy: doc(allow(`"ForAllValues:StringNotLike":{"%issuer:amr":"un*"}`)), with: map[string][]string{issuer + ":amr": {"mfa", "unauthenticated"}},
		want: no, rule: sets,
	},
	"ForAnyValue matches when one value does": {
		policy: doc(allow(`"ForAnyValue:StringLike":{"%issuer:amr":"auth*"}`)), with: map[string][]string{issuer + ":amr": {"x", "authenticated"}},
		want: yes, rule: wifKeys,
	},
	"ForAnyValue fails when none does": {
		policy: doc(allow(`"ForAnyValue:StringLike":{"%issuer:amr":"auth*"}`)), with: map[string][]string{issuer + ":amr": {"x", "unauthenticated"}},
		want: no, rule: wifKeys,
	},
	"ForAnyValue fails when the key is absent": {
		policy: doc(allow(`"ForAnyValue:StringEquals":{"%issuer:amr":"a"}`)), absent: []string{issuer + ":amr"},
		want: no, rule: sets,
	},
	"ForAnyValue fails for a negated operator too when the key is absent": {
		policy: doc(allow(`"ForAnyValue:StringNotEquals":{"%issuer:amr":"a"}`)), absent: []string{issuer + ":amr"},
		want: no, rule: sets,
	},
	"ForAnyValue with a negated operator wants one that differs": {
		policy: doc(allow(`"ForAnyValue:StringNotEquals":{"%issuer:amr":["a","b"]}`)), with: map[string][]string{issuer + ":amr": {"a", "c"}},
		want: yes, rule: sets,
	},
	"ForAnyValue fails for an empty data set": {
		policy: doc(allow(`"ForAnyValue:StringEquals":{"%issuer:amr":"a"}`)), with: map[string][]string{issuer + ":amr": {""}},
		want: no, rule: sets,
	},
	"ForAnyValue of a key with one value is the plain operator": {
		policy: doc(allow(`"ForAnyValue:StringEquals":{"%sub":"%cart"}`)),
		want:   yes, rule: sets,
	},
	"several values without a set operator that all match": {
		policy: doc(allow(`"StringLike":{"%issuer:amr":"a*"}`)), with: map[string][]string{issuer + ":amr": {"a1", "a2"}},
		want: yes, rule: sets + "#reference_policies_condition-key-points",
	},
	"several values without a set operator that disagree": {
		policy: doc(allow(`"StringEquals":{"%issuer:amr":"a"}`)), with: map[string][]string{issuer + ":amr": {"a", "b"}},
		want: unknown, rule: sets + "#reference_policies_condition-key-points",
	},
	"several values without a set operator that all differ": {
		policy: doc(allow(`"StringEquals":{"%issuer:amr":"a"}`)), with: map[string][]string{issuer + ":amr": {"b", "c"}},
		want: no, rule: sets + "#reference_policies_condition-key-points",
	},
}

var otherOperatorVerdicts = map[string]verdict{
	"an absent key does not match": {
		policy: doc(allow(`"StringEquals":{"aws:PrincipalOrgID":"o-1"}`)), absent: []string{"aws:PrincipalOrgID"},
		want: no, rule: operators + "#reference_policies_elements_condition_operators",
	},
	"an absent key matches a negated operator": {
		policy: doc(allow(`"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}`)), absent: []string{"aws:PrincipalOrgID"},
		want: yes, rule: operators + "#reference_policies_elements_condition_operators",
	},
	"an absent key matches StringNotLike": {
		policy: doc(allow(`"StringNotLike":{"aws:PrincipalOrgID":"o-*"}`)), absent: []string{"aws:PrincipalOrgID"},
		want: yes, rule: operators + "#reference_policies_elements_condition_operators",
	},
	"an absent key matches ArnNotLike": {
		policy: doc(allow(`"ArnNotLike":{"aws:SourceArn":"arn:aws:s3:::b"}`)), absent: []string{"aws:SourceArn"},
		want: yes, rule: operators + "#reference_policies_elements_condition_operators",
	},
	"a key without values is absent": {
		policy: doc(allow(`"StringEquals":{"aws:PrincipalOrgID":"o-1"}`)), with: map[string][]string{"aws:PrincipalOrgID": {}},
		want: no, rule: operators + "#reference_policies_elements_condition_operators",
	},
	"IfExists matches when the key is absent": {
		policy: doc(allow(`"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}`)), absent: []string{"aws:PrincipalOrgID"},
		want: yes, rule: operators + "#Conditions_IfExists",
	},
	"IfExists compares when the key is there": {
		policy: doc(allow(`"StringLikeIfExists":{"%sub":"*:till"}`)),
		want:   no, rule: operators + "#Conditions_IfExists",
	},
	"IfExists with a negated operator still holds when the key is absent": {
		policy: doc(allow(`"StringEquals":{"%sub":"%cart"}`), deny(`"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}`)), absent: []string{"aws:PrincipalOrgID"},
		want: denied, rule: operators + "#Conditions_IfExists",
	},
	"IfExists of a key that is not known is not known": {
		policy: doc(allow(`"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}`)),
		want:   unknown, rule: operators + "#Conditions_IfExists",
	},
	"Null true wants the key absent": {
		policy: doc(allow(`"Null":{"aws:TokenIssueTime":"true"}`)), absent: []string{"aws:TokenIssueTime"},
		want: yes, rule: operators + "#Conditions_Null",
	},
	"Null true fails when the key is there": {
		policy: doc(allow(`"Null":{"%sub":true}`)),
		want:   no, rule: operators + "#Conditions_Null",
	},
	"Null false wants the key there": {
		policy: doc(allow(`"Null":{"%sub":false}`)),
		want:   yes, rule: operators + "#Conditions_Null",
	},
	"Null of a key that is not known": {
		policy: doc(allow(`"Null":{"aws:TokenIssueTime":"true"}`)),
		want:   unknown, rule: operators + "#Conditions_Null",
	},
	"Null takes no IfExists": {
		policy: doc(allow(`"NullIfExists":{"%sub":"false"}`)),
		want:   unknown, rule: operators + "#Conditions_IfExists",
	},
	"Null with ForAllValues is always true": {
		policy: doc(allow(`"ForAllValues:Null":{"%sub":"true"}`)),
		want:   yes, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-null-with-qualifier",
	},
	"Null with ForAnyValue is always false": {
		policy: doc(allow(`"ForAnyValue:Null":{"%sub":"false"}`)),
		want:   no, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-null-with-qualifier",
	},
	"a list without values never matches with ForAnyValue": {
		policy: doc(allow(`"ForAnyValue:StringEquals":{"%sub":[]}`)),
		want:   no, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-condition-foranyvalue",
	},
	"a list without values matches an absent key with IfExists": {
		policy: doc(allow(`"StringEqualsIfExists":{"aws:PrincipalOrgID":[]}`)), absent: []string{"aws:PrincipalOrgID"},
		want: yes, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-condition-ifexists",
	},
	"a list without values does not match a key that is there with IfExists": {
		policy: doc(allow(`"StringEqualsIfExists":{"%sub":[]}`)),
		want:   no, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-condition-ifexists",
	},
	"a list without values does not match a key that is there with ForAllValues": {
		policy: doc(allow(`"ForAllValues:StringEquals":{"%sub":[]}`)),
		want:   no, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-condition-forallvalues",
	},
	"a list without values under a key that is not known": {
		policy: doc(allow(`"StringEqualsIfExists":{"aws:PrincipalOrgID":[]}`)),
		want:   unknown, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-condition-ifexists",
	},
	"Null false keeps ForAllValues from matching an absent key": {
		policy: doc(allow(`"ForAllValues:StringEquals":{"%issuer:amr":"a"},"Null":{"%issuer:amr":"false"}`)), absent: []string{issuer + ":amr"},
		want: no, rule: sets,
	},
	"Bool with a Boolean of the document": {
		policy: doc(allow(`"Bool":{"aws:SecureTransport":true}`)), with: map[string][]string{"aws:SecureTransport": {"true"}},
		want: yes, rule: operators + "#Conditions_Boolean",
	},
	"Bool that differs": {
		policy: doc(allow(`"Bool":{"aws:SecureTransport":"false"}`)), with: map[string][]string{"aws:SecureTransport": {"true"}},
		want: no, rule: operators + "#Conditions_Boolean",
	},
	"Bool of an absent key": {
		policy: doc(allow(`"Bool":{"aws:MultiFactorAuthPresent":"true"}`)), absent: []string{"aws:MultiFactorAuthPresent"},
		want: no, rule: operators + "#Conditions_Boolean",
	},
	"BoolIfExists of an absent key": {
		policy: doc(allow(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`)), absent: []string{"aws:MultiFactorAuthPresent"},
		want: yes, rule: operators + "#Conditions_IfExists",
	},
	"ArnLike compares the six parts one by one": {
		policy: doc(allow(`"ArnLike":{"aws:SourceArn":"arn:aws:someservice:*:111122223333:finance/*"}`)),
		with:   map[string][]string{"aws:SourceArn": {"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"}},
		want:   no, rule: operators + "#Conditions_ARN",
	},
	"StringLike lets a star cross colons where ArnLike does not": {
		policy: doc(allow(`"StringLike":{"aws:SourceArn":"arn:aws:someservice:*:111122223333:finance/*"}`)),
		with:   map[string][]string{"aws:SourceArn": {"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"}},
		want:   yes, rule: operators + "#Conditions_ARN",
	},
	"ArnEquals takes wildcards as ArnLike does": {
		policy: doc(allow(`"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::b?cket/*"}`)), with: map[string][]string{"aws:SourceArn": {"arn:aws:s3:::bucket/a:b"}},
		want: yes, rule: operators + "#Conditions_ARN",
	},
	"ArnNotEquals of an ARN the pattern covers": {
		policy: doc(allow(`"ArnNotEquals":{"aws:SourceArn":"arn:aws:s3:::b*"}`)), with: map[string][]string{"aws:SourceArn": {"arn:aws:s3:::bucket"}},
		want: no, rule: operators + "#Conditions_ARN",
	},
	"an ARN operator on what is no ARN": {
		policy: doc(allow(`"ArnLike":{"%sub":"system:serviceaccount:*:*"}`)),
		want:   unknown, rule: operators + "#Conditions_ARN",
	},
	"an ARN operator on half an ARN": {
		policy: doc(allow(`"ArnLike":{"aws:SourceArn":"arn:aws:s3"}`)), with: map[string][]string{"aws:SourceArn": {"arn:aws:s3:::bucket"}},
		want: unknown, rule: operators + "#Conditions_ARN",
	},
	"IpAddress is not judged": {
		policy: doc(allow(`"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`)), with: map[string][]string{"aws:SourceIp": {"192.0.2.1"}},
		want: unknown, rule: operators + "#Conditions_IPAddress",
	},
	"NotIpAddress in a Deny leaves the allow undecided": {
		policy: doc(allow(`"StringEquals":{"%sub":"%cart"}`), deny(`"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}`)),
		want:   unknown, rule: operators + "#Conditions_IPAddress",
	},
	"DateLessThan is not judged": {
		policy: doc(allow(`"StringEquals":{"%sub":"%cart"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}`)),
		want:   unknown, rule: operators + "#Conditions_Date",
	},
	"a subject that differs decides before a date that is not judged": {
		policy: doc(allow(`"StringEquals":{"%sub":"other"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}`)),
		want:   no, rule: logic + "#reference_policies_multiple-conditions-eval",
	},
	"a numeric operator on a key that is there is not judged": {
		policy: doc(allow(`"NumericLessThanEquals":{"sts:DurationSeconds":3600}`)), with: map[string][]string{"sts:DurationSeconds": {"900"}},
		want: unknown, rule: operators + "#Conditions_Numeric",
	},
	"a numeric operator on an absent key does not match": {
		policy: doc(allow(`"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`)), absent: []string{"aws:MultiFactorAuthAge"},
		want: no, rule: operators + "#Conditions_Numeric",
	},
	"BinaryEquals is not judged": {
		policy: doc(allow(`"BinaryEquals":{"%sub":"QmluYXJ5"}`)),
		want:   unknown, rule: operators + "#Conditions_BinaryEquals",
	},
}
