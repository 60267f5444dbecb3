package login

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
)

// A profile's session is the one that its credential-process would be given: what
// goes when a profile goes, and when its credentials end, hang on that.
func TestASessionIsAProfilesOwnOnlyWhereAllOfItFits(t *testing.T) {
	profile := Pinned{Context: "c", Namespace: "n", ServiceAccount: "s", RoleARN: ourRole, Audience: "a", Issuer: "https://i", SessionName: "me"}
	own := creds.Key{Server: "https://any", Context: "c", Namespace: "n", ServiceAccount: "s", RoleARN: ourRole, Audience: "a", Issuer: "https://i", SessionName: "me"}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	type answer struct{ Matches, Keeps bool }
	for name, tc := range map[string]struct {
		change  func(*creds.Key)
		profile func(*Pinned)
		want    answer
	}{
		"the very session":                  {want: answer{true, true}},
		"another context":                   {change: func(k *creds.Key) { k.Context = "d" }},
		"another namespace":                 {change: func(k *creds.Key) { k.Namespace = "d" }},
		"another ServiceAccount":            {change: func(k *creds.Key) { k.ServiceAccount = "d" }},
		"another role":                      {change: func(k *creds.Key) { k.RoleARN = theirRole }, want: answer{true, false}},
		"a role that was left open":         {change: func(k *creds.Key) { k.RoleARN = "" }, want: answer{true, false}},
		"another audience":                  {change: func(k *creds.Key) { k.Audience = "d" }, want: answer{true, false}},
		"another issuer":                    {change: func(k *creds.Key) { k.Issuer = "https://d" }, want: answer{true, false}},
		"another session name":              {change: func(k *creds.Key) { k.SessionName = "d" }, want: answer{true, false}},
		"a profile without a session name":  {profile: func(p *Pinned) { p.SessionName = "" }, want: answer{true, true}},
		"a region of its own is no other's": {change: func(k *creds.Key) { k.Region = "d" }, want: answer{true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			p, key := profile, own
			if tc.change != nil {
				tc.change(&key)
			}
			if tc.profile != nil {
				tc.profile(&p)
			}
			if diff := cmp.Diff(tc.want, answer{p.matches(key), p.keeps(key)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			want := time.Time{}
			if tc.want.Keeps {
				want = at
			}
			if got := latest([]creds.Kept{{Key: key, Expiration: at}}, p); !got.Equal(want) {
				t.Errorf("it ends at %s, not %s", got, want)
			}
		})
	}
}

// Only a former session whose role or audience the annotations chose is outdated by
// a login, and only in the very cluster.
func TestALoginOutdatesWhatTheAnnotationsChose(t *testing.T) {
	l := &Login{Pinned: Pinned{Context: "c", Namespace: "n", ServiceAccount: "s"}, Key: creds.Key{Server: "https://blue"}}
	chosen := creds.Key{Server: "https://blue", Context: "c", Namespace: "n", ServiceAccount: "s", RoleARN: ourRole, Audience: "a"}
	for name, tc := range map[string]struct {
		change func(*creds.Key)
		want   bool
	}{
		"role and audience were named":        {func(*creds.Key) {}, false},
		"the annotation gave the role":        {func(k *creds.Key) { k.RoleARN = "" }, true},
		"the annotation gave the audience":    {func(k *creds.Key) { k.Audience = "" }, true},
		"it is another ServiceAccount's":      {func(k *creds.Key) { k.RoleARN, k.ServiceAccount = "", "d" }, false},
		"it is of another cluster so called":  {func(k *creds.Key) { k.RoleARN, k.Server = "", "https://green" }, false},
		"it is of another context's the same": {func(k *creds.Key) { k.RoleARN, k.Context = "", "d" }, false},
	} {
		key := chosen
		tc.change(&key)
		if got := l.outdated(key); got != tc.want {
			t.Errorf("%s: outdated %v", name, got)
		}
	}
}

// A line is ours by the program that it calls, however that is spelled, and by
// nothing else.
func TestOnlyOurProgramsLineIsOurs(t *testing.T) {
	for line, ours := range map[string]bool{
		"kubectl-irsa credential-process --context=c":                 true,
		"/opt/bin/kubectl-irsa credential-process":                    true,
		"kubectl irsa credential-process --context=c":                 true,
		"/usr/bin/kubectl irsa credential-process":                    true,
		"other-program credential-process --context=c":                false,
		"kubectl-irsa token cart":                                     false,
		"kubectl irsa token cart":                                     false,
		"kubectl other credential-process":                            false,
		"kubectl irsa":                                                false,
		"kubectl-irsa":                                                false,
		"sh -c 'kubectl-irsa credential-process'":                     false,
		"/opt/kubectl-irsa/run credential-process --context=c":        false,
		"env AWS_PROFILE=x kubectl-irsa credential-process --flag=on": false,
	} {
		file, err := awsconfig.Parse([]byte("[profile p]\ncredential_process = " + line + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		profile, _ := file.Profile("p")
		if _, got := Recognise("linux", profile); got != ours {
			t.Errorf("%s: ours %v", line, got)
		}
	}
}

// What is written drops every other source of credentials: readers disagree about
// which of two wins.
func TestAProfileHasOneSourceOfCredentials(t *testing.T) {
	rivals := []string{"source_profile", "credential_source", "sso_session", "sso_start_url", "login_session", "mfa_serial", "external_id"}
	for mode, keys := range modeKeys {
		var set []awsconfig.Setting
		for _, key := range keys {
			set = append(set, awsconfig.Setting{Key: key, Value: "v"})
		}
		dropped := map[string]bool{}
		for _, key := range changeTo(set).Drop {
			dropped[key] = true
		}
		for _, key := range keys {
			if dropped[key] {
				t.Errorf("%s writes %s and drops it", mode, key)
			}
			delete(dropped, key)
		}
		for other, theirs := range modeKeys {
			for _, key := range theirs {
				if !slices.Contains(keys, key) && !dropped[key] {
					t.Errorf("%s leaves %s of %s", mode, key, other)
				}
			}
		}
		for _, key := range rivals {
			if !dropped[key] {
				t.Errorf("%s leaves %s", mode, key)
			}
		}
	}
}
