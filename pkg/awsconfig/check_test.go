package awsconfig

import (
	"strings"
	"testing"
)

func TestCheckNameAcceptsWhatBothReadersRead(t *testing.T) {
	for name, want := range map[string]bool{
		"plain": true, "a.b": true, "kind-dev-shop-cart": true, "a_b@c+d": true, "arn:aws:eks:us-east-1:1:x": true, "0": true, "DEFAULT": true,
		"": false, "-a": false, ".a": false, "a b": false, "a/b": false, "a#b": false, "a;b": false, "a'b": false, `"a"`: false, "a]": false,
		"a=b": false, "a%b": false, "caf\u00e9": false, "a\n": false,
	} {
		if err := CheckName(name); (err == nil) != want {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
		clean := CleanName(name)
		if err := CheckName(clean); err != nil {
			t.Errorf("CleanName(%q) = %q: %v", name, clean, err)
		}
		if want && clean != name {
			t.Errorf("CleanName(%q) = %q, but the name was good", name, clean)
		}
		if !want {
			continue
		}
		data, err := mustParse(t, "").Apply(Change{Profile: name, Set: someSettings})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := mustParse(t, string(data)).Profile(name); !ok {
			t.Errorf("the AWS CLI does not find profile %q in %q", name, data)
		}
	}
	if got, want := CleanName("arn:aws:eks:eu-west-1:1:cluster/a b-shop-cart"), "arn:aws:eks:eu-west-1:1:cluster-a-b-shop-cart"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func mustParse(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCheckValueRefusesWhatReadersReadDifferently(t *testing.T) {
	for value, want := range map[string]bool{
		"us-east-1": true, "a#b;c": true, "it's": true, "'a' b": true, `"a" 'b'`: true, "https://x/start#/": true, "%(x)s": true, "a = b: c": true, "caf\u00e9": true, `a\`: true, "[a]": true,
		"": false, " a": false, "a ": false, "a #b": false, "a ;b": false, "#a": false, ";a": false, "a\nb": false, "a\tb": false, "a\rb": false, "'a'": false, `"a"`: false,
		"'": false, `"`: false, "`a": false, "a`": false, `"""a`: false, "a\xff": false, "\u00a0a": false, "a\u2028b": false, "a\x00b": false, "\ufeffa": false,
	} {
		err := CheckValue("external_id", value)
		if (err == nil) != want {
			t.Errorf("CheckValue(%q) = %v", value, err)
		}
		if len(value) > 3 && err != nil && strings.Contains(err.Error(), value) {
			t.Errorf("the error shows the value %q: %v", value, err)
		}
		if want {
			data, err := mustParse(t, "").Apply(Change{Profile: "p", Set: []Setting{{"external_id", value}}})
			if want := "[profile p]\nexternal_id = " + value + "\n"; err != nil || string(data) != want {
				t.Errorf("got %q, %v; want %q", data, err, want)
			}
		}
	}
	for key, want := range map[string]bool{"region": true, "s3_x9": true, "": false, "Region": false, "a b": false, "9a": false, "a=b": false, "a.b": false, "#a": false} {
		if err := CheckValue(key, "x"); (err == nil) != want {
			t.Errorf("CheckValue of key %q = %v", key, err)
		}
	}
}
