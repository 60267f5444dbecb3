package trustpolicy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

func TestWhatIAMRefusesIsRefusedWithItsPlace(t *testing.T) {
	st := func(s string) string { return words.Replace(`{"Statement":[{` + s + `}]}`) }
	const rest = `"Principal":"*","Action":"*"`
	tests := map[string]struct {
		doc  string
		want trustpolicy.ParseError
	}{
		"an empty document": {
			doc:  "",
			want: parseError(trustpolicy.Syntax, 0, 1, 1, "", "the document ends where an object should be"),
		},
		"HTML": {
			doc:  "<html>",
			want: parseError(trustpolicy.Syntax, 0, 1, 1, "", "'<' where an object should be"),
		},
		"a list": {
			doc:  "[]",
			want: parseError(trustpolicy.WrongType, 0, 1, 1, "a policy", "a policy takes an object, not an array"),
		},
		"a policy that ends early": {
			doc:  "{\n  \"Version\": \"2012-10-17\"",
			want: parseError(trustpolicy.Syntax, 27, 2, 26, "", "the document ends where a comma or the end of the object should be"),
		},
		"a comma too many": {
			doc:  "{\"Statement\": [],\n}",
			want: parseError(trustpolicy.Syntax, 18, 2, 1, "", "'}' where a name in quotes should be"),
		},
		"a comma too many in a list": {
			doc:  st(`"Action":["a",]`),
			want: parseError(trustpolicy.Syntax, 29, 1, 30, "", "']' where another value should be"),
		},
		"text behind the policy": {
			doc:  `{"Statement":[]} x`,
			want: parseError(trustpolicy.Syntax, 17, 1, 18, "", "'x' where the end of the document should be"),
		},
		"no statement": {
			doc:  `{"Version":"2012-10-17"}`,
			want: parseError(trustpolicy.MissingElement, 0, 1, 1, "Statement", "the policy has no Statement"),
		},
		"a version nobody knows": {
			doc:  `{"Version":"2012-10-18","Statement":[]}`,
			want: parseError(trustpolicy.InvalidValue, 1, 1, 2, "Version", `Version is "2012-10-18": IAM knows 2012-10-17 and 2008-10-17`),
		},
		"an element in small letters": {
			doc:  "{\n \"statement\": []}",
			want: parseError(trustpolicy.UnknownElement, 3, 2, 2, "statement", `unknown element "statement" in a policy: names are case-sensitive, write "Statement"`),
		},
		"an element of a statement that does not exist": {
			doc:  st(`"Effect":"Allow","Reason":"x"`),
			want: parseError(trustpolicy.UnknownElement, 32, 1, 33, "Reason", `unknown element "Reason" in a statement: it takes Sid, Effect, Principal, NotPrincipal, Action, NotAction, Condition`),
		},
		"a resource": {
			doc:  st(`"Resource":"*"`),
			want: parseError(trustpolicy.UnknownElement, 15, 1, 16, "Resource", "Resource has no place in a trust policy: the role itself is the resource"),
		},
		"the same element twice": {
			doc:  st(`"Effect":"Allow","Effect":"Deny"`),
			want: parseError(trustpolicy.DuplicateElement, 32, 1, 33, "Effect", `"Effect" appears twice in one object`),
		},
		"the same element twice, once escaped": {
			doc:  st(`"Effect":"Allow","Effec\u0074":"Deny"`),
			want: parseError(trustpolicy.DuplicateElement, 32, 1, 33, "Effect", `"Effect" appears twice in one object`),
		},
		"Principal and NotPrincipal": {
			doc:  st(`"Principal":"*","NotPrincipal":"*"`),
			want: parseError(trustpolicy.DuplicateElement, 31, 1, 32, "NotPrincipal", "a statement takes one of Principal and NotPrincipal, not both"),
		},
		"Action and NotAction": {
			doc:  st(`"Action":"*","NotAction":"*"`),
			want: parseError(trustpolicy.DuplicateElement, 28, 1, 29, "NotAction", "a statement takes one of Action and NotAction, not both"),
		},
		"an effect in small letters": {
			doc:  st(`"Effect":"allow",` + rest),
			want: parseError(trustpolicy.InvalidValue, 24, 1, 25, "Effect", `Effect is "allow": it is Allow or Deny, in this spelling`),
		},
		"no effect": {
			doc:  st(rest),
			want: parseError(trustpolicy.MissingElement, 14, 1, 15, "Effect", "statement 1 has no Effect"),
		},
		"no principal": {
			doc:  st(`"Effect":"Allow","Action":"*"`),
			want: parseError(trustpolicy.MissingElement, 14, 1, 15, "Principal", "statement 1 has no Principal"),
		},
		"no action": {
			doc:  st(`"Effect":"Allow","Principal":"*"`),
			want: parseError(trustpolicy.MissingElement, 14, 1, 15, "Action", "statement 1 has no Action"),
		},
		"a principal without a type": {
			doc:  st(`"Principal":"%provider"`),
			want: parseError(trustpolicy.InvalidValue, 27, 1, 28, "Principal", `Principal is the string "`+provider+`": only "*" may stand without a type`),
		},
		"a type of principal that does not exist": {
			doc:  st(`"Principal":{"federated":"%provider"}`),
			want: parseError(trustpolicy.UnknownElement, 28, 1, 29, "federated", `unknown element "federated" in Principal: names are case-sensitive, write "Federated"`),
		},
		"an action that is a number": {
			doc:  st(`"Action":42`),
			want: parseError(trustpolicy.WrongType, 24, 1, 25, "Action", "Action takes a string or an array of strings, not a number"),
		},
		"an action that is null": {
			doc:  st(`"Action":[null]`),
			want: parseError(trustpolicy.WrongType, 25, 1, 26, "Action", "Action takes a string or an array of strings, not null"),
		},
		"a condition value that is an object": {
			doc:  st(`"Condition":{"StringEquals":{"a:b":{}}}`),
			want: parseError(trustpolicy.WrongType, 50, 1, 51, "a:b", "a:b takes a string, a number, a Boolean or an array of them, not an object"),
		},
		"a list in a list": {
			doc:  st(`"Condition":{"StringEquals":{"a:b":[["c"]]}}`),
			want: parseError(trustpolicy.WrongType, 51, 1, 52, "a:b", "a:b takes a string, a number, a Boolean or an array of them, not an array"),
		},
		"a condition that is a list": {
			doc:  st(`"Condition":[]`),
			want: parseError(trustpolicy.WrongType, 27, 1, 28, "Condition", "Condition takes an object, not an array"),
		},
		"a number that is none": {
			doc:  st(`"Condition":{"StringEquals":{"a:b":01}}`),
			want: parseError(trustpolicy.Syntax, 50, 1, 51, "", `"01" is no JSON value`),
		},
		"a string that is never closed": {
			doc:  `{"Statement`,
			want: parseError(trustpolicy.Syntax, 1, 1, 2, "", "a string that is never closed"),
		},
		"an escape that does not exist": {
			doc:  `{"Id":"\x"}`,
			want: parseError(trustpolicy.Syntax, 6, 1, 7, "", "a string with an escape that JSON does not have"),
		},
		"a line break in a string": {
			doc:  "{\"Id\":\"a\nb\"}",
			want: parseError(trustpolicy.Syntax, 8, 1, 9, "", "a control character inside a string"),
		},
		"a byte that is no character": {
			doc:  "{\"Id\":\"é\xff\"}",
			want: parseError(trustpolicy.Syntax, 9, 1, 9, "", "a byte that is not UTF-8"),
		},
		"a Sid used twice": {
			doc: words.Replace(`{"Statement":[` + `{"Sid":"A","Effect":"Allow",` + rest + `},` + "\n" + `{"Sid":"A","Effect":"Allow",` + rest + `}]}`),
			want: parseError(trustpolicy.InvalidValue, 73, 2, 1, "Sid",
				`the Sid "A" is used by statements 1 and 2`),
		},
		"more bytes than any policy has": {
			doc:  `{"Id":"` + strings.Repeat("a", trustpolicy.MaxDocument) + `"}`,
			want: parseError(trustpolicy.TooLarge, 0, 1, 1, "", "the document has 262153 bytes, and no trust policy has more than 262144"),
		},
		"brackets a hundred thousand deep": {
			doc:  `{"Statement":` + strings.Repeat("[", 100_000),
			want: parseError(trustpolicy.WrongType, 14, 1, 15, "a statement", "a statement takes an object, not an array"),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := trustpolicy.Parse([]byte(tc.doc))
			var got *trustpolicy.ParseError
			if !errors.As(err, &got) {
				t.Fatalf("Parse: %v, want a ParseError", err)
			}
			if diff := cmp.Diff(tc.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func parseError(kind trustpolicy.ErrorKind, offset, line, column int, element, detail string) trustpolicy.ParseError {
	return trustpolicy.ParseError{
		Kind: kind, Element: element, Detail: detail,
		Position: trustpolicy.Position{Offset: offset, Line: line, Column: column},
	}
}

func TestAParseErrorIsOneSentence(t *testing.T) {
	_, err := trustpolicy.Parse([]byte("{\n\t\"Id\": 1}"))
	const want = "parsing the trust policy at line 2, column 8: Id takes a string, not a number"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestManyNamesAreToldApart(t *testing.T) {
	var keys []string
	for _, name := range "abcdefghijklmnop" {
		keys = append(keys, `"a:`+string(name)+`":"x"`)
	}
	keys = append(keys, `"a:o":"x"`)
	_, err := trustpolicy.Parse([]byte(`{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Condition":{"StringEquals":{` + strings.Join(keys, ",") + `}}}}`))
	var got *trustpolicy.ParseError
	if !errors.As(err, &got) || got.Kind != trustpolicy.DuplicateElement || got.Element != "a:o" {
		t.Errorf("got %v", err)
	}
}

func TestRender(t *testing.T) {
	const document = `{ "Statement": {"Action":["a:b"], "Principal":{"AWS":"1","Service":["s","t"]}, "Effect":"Deny", "Sid":"S",
		"Condition":{"Bool":{"a:b":true,"c:d":[1e3,"<&>"]},"Null":{}}}, "Id":"\u0041", "Version":"2008-10-17"}`
	const want = `{"Version":"2008-10-17","Id":"A","Statement":[{"Sid":"S","Effect":"Deny","Principal":{"AWS":"1","Service":["s","t"]},` +
		`"Action":["a:b"],"Condition":{"Bool":{"a:b":true,"c:d":[1e3,"<&>"]},"Null":{}}}]}`
	if diff := cmp.Diff(want, string(parse(t, document).Render())); diff != "" {
		t.Error(diff)
	}
}

func TestTerraformsEmptySidsAreTaken(t *testing.T) {
	st := `{"Sid":"","Effect":"Allow","Principal":"*","Action":"*"}`
	if _, err := trustpolicy.Parse([]byte(`{"Statement":[` + st + "," + st + `]}`)); err != nil {
		t.Error(err)
	}
}

func TestDecode(t *testing.T) {
	const plain = `{"Id":"a+b %2F"}`
	tests := map[string]struct{ document, want, err string }{
		"as GetRole answers":   {document: `%7B%22Id%22%3A%22a%2Bb%20%252F%22%7D`, want: plain},
		"a plus stays a plus":  {document: `%7B%22Id%22%3A%22a+b%20%252F%22%7D`, want: plain},
		"what is JSON already": {document: "\n " + plain, want: "\n " + plain},
		"a broken escape":      {document: "%7", err: `decoding the trust policy: invalid URL escape "%7"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := trustpolicy.Decode(tc.document)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if diff := cmp.Diff([]string{tc.want, tc.err}, []string{string(got), text}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSizeLeavesOutTheBlanksBetweenElements(t *testing.T) {
	tests := map[string]struct {
		doc  string
		want int
	}{
		"nothing":                        {"", 0},
		"no blanks":                      {`{"a":1}`, 7},
		"blanks, tabs and line breaks":   {"{\r\n\t\"a\" : 1\n}", 7},
		"blanks in a string count":       {`{"a b":1}`, 9},
		"a quote in a string ends none":  {`{"a\" b":1}`, 11},
		"characters, not bytes":          {`{"é":1}`, 7},
		"an escape counts as it is sent": {`{"\u00e9":1}`, 12},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := trustpolicy.Size([]byte(tc.doc)); got != tc.want {
				t.Errorf("Size(%q) = %d, want %d", tc.doc, got, tc.want)
			}
		})
	}
}

func TestOperators(t *testing.T) {
	type parts struct {
		Set      trustpolicy.SetOperator
		Name     string
		IfExists bool
		Known    bool
		Negated  bool
	}
	tests := map[string]parts{
		"StringEquals":                      {Name: "StringEquals", Known: true},
		"stringlikeifexists":                {Name: "StringLike", IfExists: true, Known: true},
		"ForAllValues:StringNotEquals":      {Set: trustpolicy.ForAllValues, Name: "StringNotEquals", Known: true, Negated: true},
		"foranyvalue:ArnLikeIfExists":       {Set: trustpolicy.ForAnyValue, Name: "ArnLike", IfExists: true, Known: true},
		"ForSomeValues:StringLike":          {Name: "ForSomeValues:StringLike"},
		"NullIfExists":                      {Name: "NullIfExists", IfExists: true},
		"IfExists":                          {Name: "IfExists", IfExists: true},
		"StringEqual":                       {Name: "StringEqual"},
		"":                                  {},
		"NotIpAddress":                      {Name: "NotIpAddress", Known: true, Negated: true},
		"ForAllValues:":                     {Set: trustpolicy.ForAllValues, Name: "ForAllValues:"},
		"StringNotEqualsIgnoreCaseIfExists": {Name: "StringNotEqualsIgnoreCase", IfExists: true, Known: true, Negated: true},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			op := trustpolicy.ParseOperator(text)
			got := parts{op.Set, op.Name, op.IfExists, op.Known(), op.Negated()}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if op.String() != text {
				t.Errorf("String() = %q, want it as it was written", op.String())
			}
		})
	}
}
