package conformance

import (
	"net/url"
	"strings"
)

func issuers() []Case {
	return []Case{
		{
			Name: "an issuer without a provider in the account", Issuer: NoProvider,
			Want: invalid(notValidated), Source: reports2026,
			Differs: was("No OpenIDConnect provider found in your account for *", olderReports),
		},
		{
			Name: "an issuer whose provider was deleted while the role still trusts it", Issuer: Deleted, Role: OfDeleted,
			Want: invalid(notValidated), Source: reports2026,
			Differs: with(was("No OpenIDConnect provider found in your account for *", olderReports),
				VersityGW, denied(), "AWS answers InvalidIdentityToken: "+olderReports),
		},
		{
			Name: "an issuer with a slash more than its provider has", Issuer: TrailingSlash,
			Want: invalid(notValidated), Source: reports2026,
			Differs: was("No OpenIDConnect provider found in your account for *", olderReports),
		},
		{
			Name: "documents that nobody published", Issuer: NoDocuments, Want: invalid(noKey),
			Source: "https://github.com/awslabs/aws-sdk-rust/issues/827",
		},
		{
			Name: "a discovery document of another issuer", Issuer: OtherIssuer, Want: invalid(noKey),
			Source: "OpenID Connect Discovery 1.0, section 4.3",
		},
		{Name: "a discovery document that is a web page", Issuer: NotJSON, Want: invalid(noKey), Source: "https://github.com/aws/aws-sdk-php/issues/1725"},
		{
			Name: "a key set without keys", Issuer: EmptyKeySet, Want: invalid(noKey),
			Source: "IAM User Guide: the key set must contain at least one key",
		},
		{
			Name: "an account that has nothing", Want: invalid(notValidated), Source: olderReports,
			Form: func(f url.Values) {
				f.Set("RoleArn", strings.Replace(f.Get("RoleArn"), "::"+accountOf(f.Get("RoleArn"))+":", "::999999999999:", 1))
			},
			Differs: with(was("No OpenIDConnect provider found in your account for *", olderReports),
				VersityGW, denied(), "AWS looks in the account of the RoleArn: https://github.com/mozilla/mozilla-aws-cli/issues/127"),
		},
	}
}

// trustMismatch is a role whose conditions do not hold, on a server that answers
// as if the token were bad.
func trustMismatch() map[Server]Difference {
	return with(nil, VersityGW, invalid(notValidated),
		"AWS answers AccessDenied: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html and public reports of 2026")
}

func roles() []Case {
	return []Case{
		{Name: "a pattern that fits the subject", Role: Pattern, Want: session(), Source: trustPages},
		{Name: "one of several subjects", Role: AnyOfMany, Want: session(), Source: trustPages},
		{Name: "a role for another subject", Role: OtherSubject, Want: denied(), Source: trustPages, Differs: trustMismatch()},
		{Name: "a role for another audience", Role: OtherAud, Want: denied(), Source: trustPages, Differs: trustMismatch()},
		{Name: "a star under StringEquals is only a star", Role: StarEquals, Want: denied(), Source: trustPages, Differs: trustMismatch()},
		{Name: "a Deny wins over the Allow", Role: Denying, Want: denied(), Source: trustPages},
		{Name: "a role that does not exist", Role: Absent, Want: denied(), Source: "public reports: AWS does not tell whether a role exists"},
		{
			Name: "another service account of a role with a pattern", Role: Pattern, Want: denied(), Source: trustPages,
			Claims: set("sub", "system:serviceaccount:elsewhere:cart"), Differs: trustMismatch(),
		},
	}
}

func parameters() []Case {
	put := func(name, value string) func(url.Values) { return func(f url.Values) { f.Set(name, value) } }
	one := "1 validation error detected: Value "
	return []Case{
		{
			Name: "a session of 899 seconds", Form: put("DurationSeconds", "899"), Source: apiReference,
			Want: validation(one + "'899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"),
		},
		{
			Name: "a session of more than twelve hours", Form: put("DurationSeconds", "43201"), Source: apiReference,
			Want: validation(one + "'43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"),
		},
		{
			Name: "a session longer than the role allows", Form: put("DurationSeconds", "7200"), Source: apiReference,
			Want: validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
		},
		{
			Name: "a session name with a blank", Form: put("RoleSessionName", "two words"), Source: apiReference,
			Want: validation(one + `'two words' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`),
		},
		{
			Name: "a session name of one character", Form: put("RoleSessionName", "x"), Source: apiReference,
			Want: validation(one + "'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"),
			Differs: with(nil, VersityGW, validation("1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"),
				"AWS shows the value: public reports of 1 validation error detected: Value 'x' at 'roleSessionName'"),
		},
		{
			Name: "a role that is no ARN", Form: put("RoleArn", "this is not the name of a role"), Source: apiReference,
			Want:    validation("Request ARN is invalid"),
			Differs: with(nil, VersityGW, denied(), "AWS answers ValidationError: public reports of Request ARN is invalid"),
		},
		{Name: "a session policy", Form: put("Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}`), Want: session(), Source: apiReference},
		{
			Name: "a session policy that is not JSON", Form: put("Policy", "this is not JSON"), Source: apiReference,
			Want: Answer{Status: 400, Code: "MalformedPolicyDocument", Message: "*"},
		},
	}
}

func accountOf(roleARN string) string {
	if p := strings.SplitN(roleARN, ":", 6); len(p) == 6 {
		return p[4]
	}
	return ""
}
