package issuer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// policySid marks the one statement of a bucket policy that is ours.
const policySid = "KubectlIrsaPublicDocuments"

// maxBucketPolicy is S3's limit in bytes:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html.
const maxBucketPolicy = 20 << 10

type publicStatement struct {
	Sid       string    `json:"Sid"`
	Effect    string    `json:"Effect"`
	Principal string    `json:"Principal"`
	Action    string    `json:"Action"`
	Resource  oneOrMany `json:"Resource"`
}

// oneOrMany is a string or an array of them, as IAM policies write it.
type oneOrMany []string

func (m *oneOrMany) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*m = []string{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(m))
}

// openPolicy is a bucket policy with which anybody may read the objects of these
// ARNs, and changed says whether it differs from text. Whatever else text holds
// stays: order, unknown members and other statements.
func openPolicy(text string, arns []string) (merged string, changed bool, err error) {
	document := [][2]json.RawMessage{}
	if text == "" {
		document = append(document, [2]json.RawMessage{[]byte(`"Version"`), []byte(`"2012-10-17"`)})
	} else if document, err = members([]byte(text)); err != nil {
		return "", false, fmt.Errorf("reading the bucket policy: %w", err)
	}
	at := slices.IndexFunc(document, func(m [2]json.RawMessage) bool { return string(m[0]) == `"Statement"` })
	if at < 0 {
		at = len(document)
		document = append(document, [2]json.RawMessage{[]byte(`"Statement"`), []byte(`[]`)})
	}
	statements, changed, err := openStatements(document[at][1], arns)
	if err != nil || !changed {
		return text, false, err
	}
	document[at][1] = statements
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range document {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(m[0])
		b.WriteByte(':')
		b.Write(m[1])
	}
	b.WriteByte('}')
	if b.Len() > maxBucketPolicy {
		return "", false, fmt.Errorf("the bucket policy would have %d bytes, and S3 takes %d", b.Len(), maxBucketPolicy)
	}
	return b.String(), true, nil
}

func openStatements(raw json.RawMessage, arns []string) (json.RawMessage, bool, error) {
	var list []json.RawMessage
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		list = []json.RawMessage{raw} // a single statement may stand without brackets
	} else if err := json.Unmarshal(raw, &list); err != nil {
		return nil, false, fmt.Errorf("reading the statements of the bucket policy: %w", err)
	}
	ours, open := -1, map[string]bool{}
	var resources oneOrMany
	for i, statement := range list {
		var s struct {
			Sid, Effect       string
			Principal, Action json.RawMessage
			Resource          oneOrMany
			Condition         json.RawMessage
		}
		if err := json.Unmarshal(statement, &s); err != nil {
			continue // nothing that could be ours
		}
		if s.Effect == "Allow" && s.Condition == nil && everybody(s.Principal) && allowsGet(s.Action) {
			for _, r := range s.Resource {
				open[r] = true
			}
			if s.Sid == policySid {
				ours, resources = i, s.Resource
			}
		}
	}
	missing := slices.DeleteFunc(slices.Clone(arns), func(arn string) bool { return open[arn] })
	if len(missing) == 0 {
		return nil, false, nil
	}
	statement, err := json.Marshal(publicStatement{
		Sid: policySid, Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: append(resources, missing...),
	})
	if err != nil {
		return nil, false, err
	}
	if ours < 0 {
		list = append(list, statement)
	} else {
		list[ours] = statement
	}
	return slices.Concat([]byte("["), bytes.Join(plain(list), []byte(",")), []byte("]")), true, nil
}

// plain are the statements as they stood: json.Marshal would escape and shorten.
func plain(list []json.RawMessage) [][]byte {
	texts := make([][]byte, len(list))
	for i, raw := range list {
		texts[i] = raw
	}
	return texts
}

func everybody(principal json.RawMessage) bool {
	var name string
	if json.Unmarshal(principal, &name) == nil {
		return name == "*"
	}
	var kinds struct{ AWS oneOrMany }
	return json.Unmarshal(principal, &kinds) == nil && slices.Contains(kinds.AWS, "*")
}

func allowsGet(action json.RawMessage) bool {
	var actions oneOrMany
	if json.Unmarshal(action, &actions) != nil {
		return false
	}
	return slices.ContainsFunc(actions, func(a string) bool { return slices.Contains([]string{"s3:GetObject", "s3:Get*", "s3:*", "*"}, a) })
}

// members are the members of a JSON object in the order in which they stand.
func members(text []byte) ([][2]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	start, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	if start != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	var list [][2]json.RawMessage
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		list = append(list, [2]json.RawMessage{key, value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	return list, nil
}
