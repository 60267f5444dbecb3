package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTagsAreWhatAWSTakes(t *testing.T) {
	got, err := parseTags([]string{"team=shop", "Größe=10", "url=https://a.example.com/b_c:d=e@f+g-h", "empty="})
	want := map[string]string{"team": "shop", "Größe": "10", "url": "https://a.example.com/b_c:d=e@f+g-h", "empty": ""}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for name, tc := range map[string]struct {
		pairs []string
		want  string
	}{
		"no value":               {[]string{"team"}, "give KEY=VALUE"},
		"no key":                 {[]string{"=shop"}, "give KEY=VALUE"},
		"an ampersand":           {[]string{"team=me & you"}, "AWS takes letters, digits, spaces and _.:/=+-@"},
		"a line break":           {[]string{"team=a\nb"}, "AWS takes letters, digits, spaces and _.:/=+-@"},
		"a long key":             {[]string{strings.Repeat("ü", 129) + "=x"}, "a key has at most 128 characters"},
		"a key of AWS":           {[]string{"AWS:team=x"}, "are taken"},
		"a key of our own":       {[]string{"kubectl-irsa/owned=false"}, "are taken"},
		"a key in two spellings": {[]string{"team=a", "Team=b"}, `"Team" is given twice`},
	} {
		if _, err := parseTags(tc.pairs); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := parseTags([]string{strings.Repeat("ü", 128) + "=" + strings.Repeat("ü", 256)}); err != nil {
		t.Errorf("a key and a value as long as they may be: %v", err)
	}
}
