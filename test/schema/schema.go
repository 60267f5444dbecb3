// Package schema holds documents against the part of JSON Schema that
// docs/schema uses: type, const, enum, pattern, required, properties,
// additionalProperties and items. An unknown keyword is an error, so that a
// schema cannot promise what nobody checks.
// https://json-schema.org/draft/2020-12/json-schema-validation
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
)

// Validate is the first thing in document that schema does not allow, nil where
// there is none.
func Validate(schema, document []byte) error {
	var s map[string]any
	if err := json.Unmarshal(schema, &s); err != nil {
		return fmt.Errorf("reading the schema: %w", err)
	}
	var d any
	if err := json.Unmarshal(document, &d); err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	return validate(s, d, "$")
}

func validate(s map[string]any, d any, at string) error {
	for keyword, value := range s {
		var err error
		switch keyword {
		case "$schema", "title", "description":
		case "type":
			err = ofType(value, d)
		case "const":
			if !reflect.DeepEqual(value, d) {
				err = fmt.Errorf("it is %v, not %v", d, value)
			}
		case "enum":
			if !slices.ContainsFunc(value.([]any), func(v any) bool { return reflect.DeepEqual(v, d) }) {
				err = fmt.Errorf("it is %v, none of %v", d, value)
			}
		case "pattern":
			if text, ok := d.(string); ok && !regexp.MustCompile(value.(string)).MatchString(text) {
				err = fmt.Errorf("%q does not match %s", text, value)
			}
		case "required", "properties", "additionalProperties":
			continue // below, where it is an object
		case "items":
			for i, item := range list(d) {
				if err := validate(value.(map[string]any), item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
					return err
				}
			}
		default:
			err = fmt.Errorf("keyword %q is not checked", keyword)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	if object, ok := d.(map[string]any); ok {
		return members(s, object, at)
	}
	return nil
}

func members(s, object map[string]any, at string) error {
	for _, name := range list(s["required"]) {
		if _, there := object[name.(string)]; !there {
			return fmt.Errorf("%s: %s is missing", at, name)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for name, value := range object {
		property, known := properties[name].(map[string]any)
		if !known {
			if s["additionalProperties"] == false {
				return fmt.Errorf("%s: %s is not in the schema", at, name)
			}
			continue
		}
		if err := validate(property, value, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func list(v any) []any {
	items, _ := v.([]any)
	return items
}

func ofType(want, d any) error {
	var kind string
	switch v := d.(type) {
	case nil:
		kind = "null"
	case string:
		kind = "string"
	case bool:
		kind = "boolean"
	case float64:
		if kind = "number"; v == float64(int64(v)) {
			kind = "integer"
		}
	case []any:
		kind = "array"
	default:
		kind = "object"
	}
	if want == kind || slices.Contains(list(want), any(kind)) || want == "number" && kind == "integer" {
		return nil
	}
	return fmt.Errorf("it is of type %s, not %v", kind, want)
}
