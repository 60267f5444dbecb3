package schema

import "testing"

func TestADocumentIsHeldAgainstEveryKeyword(t *testing.T) {
	const s = `{"type":"object","required":["a"],"additionalProperties":false,"properties":{
		"a":{"const":"x"},"b":{"enum":["p","q"]},"c":{"type":"array","items":{"type":"string","pattern":"^k"}},"d":{"type":["object","null"]}}}`
	for name, tc := range map[string]struct {
		document string
		fits     bool
	}{
		"all of it":               {`{"a":"x","b":"q","c":["k1"],"d":null}`, true},
		"a member is missing":     {`{"b":"q"}`, false},
		"a member is unknown":     {`{"a":"x","e":1}`, false},
		"a constant is another":   {`{"a":"y"}`, false},
		"a value is none of many": {`{"a":"x","b":"r"}`, false},
		"an item does not match":  {`{"a":"x","c":["l"]}`, false},
		"an item is of no string": {`{"a":"x","c":[1]}`, false},
		"a type is none of two":   {`{"a":"x","d":1}`, false},
		"no object":               {`[]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Validate([]byte(s), []byte(tc.document)); (err == nil) != tc.fits {
				t.Errorf("fits %v, error %v", tc.fits, err)
			}
		})
	}
	if Validate([]byte(`{"minLength":1}`), []byte(`""`)) == nil {
		t.Error("an unknown keyword is passed over")
	}
}
