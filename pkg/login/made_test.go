package login

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// made is a login whose session is there already, into folders of its own.
func made(t *testing.T, mode Mode, config string) *Login {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	role, err := irsa.ParseRoleARN(ourRole, irsa.TwelveDigits)
	if err != nil {
		t.Fatal(err)
	}
	return &Login{
		Request: creds.Request{SessionName: "me"}, Mode: mode, Profile: "cart", GOOS: "linux", Binary: "/bin/kubectl-irsa",
		Pinned:     Pinned{Context: "blue", Namespace: "shop", ServiceAccount: "cart"},
		Key:        creds.Key{Server: "https://any", Context: "blue", Namespace: "shop", ServiceAccount: "cart"},
		ConfigPath: path, CredentialsPath: filepath.Join(dir, "credentials"), TokenDir: filepath.Join(dir, "tokens"),
		Cache: creds.Cache{Dir: filepath.Join(dir, "cache"), Now: time.Now, Warn: func(err error) { t.Error(err) }},
		Made: &creds.Session{
			RoleARN: role, Audience: irsa.DefaultAudience, Issuer: "https://oidc.example.com", Region: "eu-west-1", STSEndpointURL: "https://sts.example.com",
			Credentials: creds.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "hush", SessionToken: "hush", Expiration: time.Now().Add(time.Hour)},
		},
	}
}

// A renewal asks for what the exchange found out, whatever the ServiceAccount's
// annotations or a shell's settings say by then, and the next call finds the session.
func TestAProfileKeepsWhatTheExchangeFoundOut(t *testing.T) {
	l := made(t, Process, "")
	if _, err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := Book{ConfigPath: l.ConfigPath, GOOS: "linux"}.List()
	if err != nil || len(found) != 1 {
		t.Fatalf("%d profiles, error %v", len(found), err)
	}
	want := Pinned{
		Context: "blue", Namespace: "shop", ServiceAccount: "cart", RoleARN: ourRole, Audience: irsa.DefaultAudience,
		Issuer: "https://oidc.example.com", Region: "eu-west-1", STSEndpointURL: "https://sts.example.com",
	}
	if diff := cmp.Diff(want, found[0].Pinned); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	key := l.Key
	key.RoleARN, key.Audience, key.Issuer, key.Region, key.STSEndpoint = ourRole, irsa.DefaultAudience, want.Issuer, want.Region, want.STSEndpointURL
	if diff := cmp.Diff(key, l.Key); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
	again := func(context.Context) (creds.Credentials, error) {
		return creds.Credentials{}, errors.New("asked again")
	}
	kept, err := l.Cache.Get(t.Context(), key, func(creds.Credentials, time.Time) bool { return true }, again)
	if err != nil || kept.AccessKeyID != "AKIDEXAMPLE" {
		t.Errorf("the session is not kept for the next call: %v", err)
	}
}

func TestATokenThatNoProfileNamesIsNotLeftBehind(t *testing.T) {
	for name, tc := range map[string]struct {
		region string // what no line of a configuration can say fails the write
		fails  bool
		left   int
	}{
		"the profile is written":     {"eu-west-1", false, 1},
		"the profile is not written": {"eu-west-1\nx", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := made(t, TokenFile, "")
			l.Made.Region = tc.region
			if _, err := l.Run(t.Context()); (err != nil) != tc.fails {
				t.Fatal(err)
			}
			left, err := os.ReadDir(l.TokenDir)
			if err != nil || len(left) != tc.left {
				t.Errorf("left are %v, error %v", left, err)
			}
		})
	}
}

// With another mode the former login's token goes: it was a secret in a file.
func TestATokenOfAFormerLoginGoesWithIt(t *testing.T) {
	l := made(t, TokenFile, "")
	if _, err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := *l
	again.Mode = Process
	if _, err := again.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(l.TokenDir); err != nil || len(left) != 0 {
		t.Errorf("left are %v, error %v", left, err)
	}
}

// A region stands in a profile where the user chose it, or where botocore fails
// without; one that is there is the user's.
func TestWhenAProfileSaysARegion(t *testing.T) {
	const theirs = "[profile cart]\nkubectl_irsa = shop/cart@blue\nregion = us-west-2\n"
	for name, tc := range map[string]struct {
		mode   Mode
		chosen bool
		config string
		want   string
	}{
		"nobody chose one":                       {Process, false, "", ""},
		"the user chose one":                     {Process, true, "", "eu-west-1"},
		"the user chose another than was there":  {Process, true, theirs, "eu-west-1"},
		"one was there":                          {Process, false, theirs, "us-west-2"},
		"a token file without one":               {TokenFile, false, "", "eu-west-1"},
		"a token file where one was there":       {TokenFile, false, theirs, "us-west-2"},
		"a token file where the user chose anew": {TokenFile, true, theirs, "eu-west-1"},
	} {
		t.Run(name, func(t *testing.T) {
			l := made(t, tc.mode, tc.config)
			l.WriteRegion = tc.chosen
			if _, err := l.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			file, err := awsconfig.Read(l.ConfigPath)
			if err != nil {
				t.Fatal(err)
			}
			profile, _ := file.Profile("cart")
			got, _ := profile.Get(keyRegion)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhichProfilesALoginMayReplace(t *testing.T) {
	const (
		foreign = "region = eu-west-1\n"
		till    = "kubectl_irsa = shop/till@blue\n"
		cart    = "kubectl_irsa = shop/cart@blue\n"
	)
	for name, tc := range map[string]struct {
		named, byDefault string // what [profile cart] and [default] hold; "" is none
		overwrite        bool
		want             string // how the error begins
	}{
		"none is there":                                     {"", "", false, ""},
		"the login's own":                                   {cart, cart, false, ""},
		"another ServiceAccount's":                          {till, "", false, `profile "cart" of`},
		"another ServiceAccount's, with --overwrite":        {till, "", true, ""},
		"somebody's":                                        {foreign, "", false, `profile "cart" of`},
		"somebody's, with --overwrite":                      {foreign, "", true, ""},
		"a default of another ServiceAccount follows":       {"", till, false, ""},
		"somebody's default":                                {"", foreign, false, "[default] of"},
		"somebody's default stays, whatever is overwritten": {foreign, foreign, true, "[default] of"},
	} {
		t.Run(name, func(t *testing.T) {
			var config strings.Builder
			for section, lines := range map[string]string{"[profile cart]\n": tc.named, "[default]\n": tc.byDefault} {
				if lines != "" {
					config.WriteString(section + lines)
				}
			}
			l := made(t, Process, config.String())
			l.SetDefault, l.Overwrite = true, tc.overwrite
			_, err := l.Check()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestKrewsLinkIsThatOfThisPlugin(t *testing.T) {
	for program, want := range map[string]string{
		"/home/me/.krew/store/irsa/v0.1.0/kubectl-irsa":  "/home/me/.krew/bin/kubectl-irsa",
		"/home/me/.krew/store/other/v0.1.0/kubectl-irsa": "",
		"/home/me/src/irsa/v0.1.0/kubectl-irsa":          "",
		"/usr/local/bin/kubectl-irsa":                    "",
	} {
		if diff := cmp.Diff(filepath.FromSlash(want), krewLink(filepath.FromSlash(program))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", program, diff)
		}
	}
}
