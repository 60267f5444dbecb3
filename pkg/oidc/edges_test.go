package oidc_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

func TestAnAudienceIsAStringOrSeveralOrNone(t *testing.T) {
	for name, tc := range map[string]struct {
		aud  any
		want []string
	}{
		"a string":                  {"sts.amazonaws.com", []string{"sts.amazonaws.com"}},
		"an array of one":           {[]string{"sts.amazonaws.com"}, []string{"sts.amazonaws.com"}},
		"null is no empty audience": {nil, nil},
		"an array of none":          {[]string{}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := issuer(t, "P-256").Sign(map[string]any{"sub": "me", "aud": tc.aud}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, parse(t, raw).Claims.Audience); diff != "" {
				t.Errorf("audience (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATimeThatIsNullIsNotTheEpoch(t *testing.T) {
	raw, err := issuer(t, "P-256").Sign(map[string]any{"exp": nil}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = oidc.ParseToken(raw)
	if diff := cmp.Diff("the token is malformed: its claim exp is not a number of seconds", fmt.Sprint(err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnRSAKeyHasNumbersThatSomebodyCanCheckWith(t *testing.T) {
	// modulus is one of so many bits, all of them set.
	modulus := func(bits int) string {
		n := []byte(strings.Repeat("\xff", (bits+7)/8))
		n[0] >>= (8 - bits%8) % 8
		return base64.RawURLEncoding.EncodeToString(n)
	}
	for name, tc := range map[string]struct{ n, e, unusable string }{
		"as many bits as are taken":     {modulus(16384), "AQAB", ""},
		"a bit more":                    {modulus(16385), "AQAB", "its RSA key has 16385 bits, more than 16384"},
		"an exponent that does nothing": {modulus(2048), "AQ", "its numbers make no RSA key"},
		"a modulus of nought":           {"AA", "AQAB", "its numbers make no RSA key"},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := oidc.ParseKeySet([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"` + tc.n + `","e":"` + tc.e + `"}]}`))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.unusable, set.Keys[0].Unusable); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.unusable == "", len(set.Usable()) == 1); diff != "" {
				t.Errorf("usable (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneKeyUnderTwoNamesIsTwoEntries(t *testing.T) {
	one := newKey(t, &ecKey(t, elliptic.P256()).PublicKey)
	other := one
	other.ID = "older"
	if one.Equal(other) {
		t.Error("AWS finds a key by its kid: the same key under another is another entry")
	}
	got := oidc.KeySet{Keys: []oidc.Key{other}}.Union(oidc.KeySet{Keys: []oidc.Key{one, other}}).IDs()
	if diff := cmp.Diff(2, len(got)); diff != "" {
		t.Errorf("union has %q (-want +got):\n%s", got, diff)
	}
}

func TestAnEntryWithoutNameOrAlgorithmStillCounts(t *testing.T) {
	bare := newKey(t, &ecKey(t, elliptic.P384()).PublicKey)
	bare.ID, bare.Algorithm = "", ""
	set := oidc.KeySet{Keys: []oidc.Key{bare, {ID: "b", Type: "OKP", Unusable: "its kty"}, {ID: "a", Public: bare.Public, Unusable: "its use is not a string"}}}
	got := map[string]any{"ids": set.IDs(), "algorithms": set.Algorithms(), "usable": len(set.Usable())}
	want := map[string]any{"ids": []string{"a", "b"}, "algorithms": []string{"ES384"}, "usable": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsNotUnderstoodIsWrittenBackWithoutItsSecret(t *testing.T) {
	set, err := oidc.ParseKeySet([]byte(`{"keys":[{"x":"AA","kty":"OKP","d":"c2VjcmV0","kid":"z"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := set.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"keys":[{"kid":"z","kty":"OKP","x":"AA"}]}`, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatAnAnswerIsTakenFor(t *testing.T) {
	code := func(n int) string { return "<Error><Code>" + strings.Repeat("x", n) + "</Code></Error>" }
	for name, tc := range map[string]struct {
		status int
		header http.Header
		body   string
		limit  int64
		want   string // the error's type, and the code of a StatusError
	}{
		"a document as long as is taken":       {200, nil, "12345678", 8, "<nil>"},
		"a document that is a byte longer":     {200, nil, "123456789", 8, "*oidc.TooLargeError"},
		"a document beside a Location":         {200, http.Header{"Location": {"/x"}}, "{}", 99, "<nil>"},
		"a refusal beside a Location":          {403, http.Header{"Location": {"/x"}}, "{}", 99, "*oidc.StatusError"},
		"status 400 beside a Location":         {400, http.Header{"Location": {"/x"}}, "{}", 99, "*oidc.StatusError"},
		"status 300 with a Location":           {300, http.Header{"Location": {"/x"}}, "{}", 99, "*oidc.Redirect"},
		"status 304, which leads nowhere":      {304, nil, "", 99, "*oidc.StatusError"},
		"a page by its type alone":             {200, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, "sign in", 99, "*oidc.HTMLAnswer"},
		"a page by its looks alone":            {200, http.Header{"Content-Type": {"application/json"}}, " <!DOCTYPE html><p>", 99, "*oidc.HTMLAnswer"},
		"S3's longest code":                    {404, nil, code(64), 999, "*oidc.StatusError " + strings.Repeat("x", 64)},
		"a text that is too long for a code":   {404, nil, code(65), 999, "*oidc.StatusError"},
		"a code of something that is no error": {404, nil, "<Answer><Code>NoSuchBucket</Code></Answer>", 999, "*oidc.StatusError"},
		"a code that does not end":             {404, nil, "<Error><Code>NoSuchBucket", 999, "*oidc.StatusError"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for key, values := range tc.header {
					w.Header()[key] = values
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			defer srv.Close()
			_, err := oidc.Fetch(t.Context(), nil, srv.URL, oidc.Limits{MaxBytes: tc.limit, Timeout: 5 * time.Second})
			got := fmt.Sprintf("%T", err)
			if status, ok := errors.AsType[*oidc.StatusError](err); ok && status.Code != "" {
				got += " " + status.Code
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s%v", diff, err)
			}
		})
	}
}

// counting is a body that knows how much of it was read.
type counting struct {
	io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

func (*counting) Close() error { return nil }

type answer func(*http.Request) (*http.Response, error)

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func TestNoMoreOfABodyIsHeldThanIsTaken(t *testing.T) {
	body := &counting{Reader: strings.NewReader(strings.Repeat("x", 1<<20))}
	client := &http.Client{Transport: answer(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Age": {"-5"}}, Body: body}, nil
	})}
	doc, err := oidc.Fetch(t.Context(), client, "https://oidc.example.com/keys", oidc.Limits{MaxBytes: 1000})
	if _, tooLarge := errors.AsType[*oidc.TooLargeError](err); !tooLarge {
		t.Fatalf("error %v", err)
	}
	if diff := cmp.Diff([]int{1001, 1000, 0}, []int{body.n, len(doc.Body), int(doc.Age)}); diff != "" {
		t.Errorf("bytes read, bytes kept, age (-want +got):\n%s", diff)
	}
}
