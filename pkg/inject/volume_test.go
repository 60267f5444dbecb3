package inject

import "testing"

// A volume of the webhook's name is the role's token only where audience and path
// are those that the containers are told.
func TestAVolumeIsTheTokenOnlyWhereAllOfItFits(t *testing.T) {
	const audience = "sts.amazonaws.com"
	for name, tc := range map[string]struct {
		volume string
		want   volumeState
	}{
		"none":                {"{name: other, emptyDir: {}}", volumeMissing},
		"the token":           {"{name: " + VolumeName + ", projected: {sources: [{serviceAccountToken: {audience: " + audience + ", path: " + TokenPath + "}}]}}", volumePresent},
		"beside another":      {"{name: " + VolumeName + ", projected: {sources: [{configMap: {name: c}}, {serviceAccountToken: {audience: " + audience + ", path: " + TokenPath + "}}]}}", volumePresent},
		"of another audience": {"{name: " + VolumeName + ", projected: {sources: [{serviceAccountToken: {audience: vault, path: " + TokenPath + "}}]}}", volumeForeign},
		"at another path":     {"{name: " + VolumeName + ", projected: {sources: [{serviceAccountToken: {audience: " + audience + ", path: elsewhere}}]}}", volumeForeign},
		"no token at all":     {"{name: " + VolumeName + ", emptyDir: {}}", volumeForeign},
	} {
		root, err := parse([]byte("volumes: [" + tc.volume + "]\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := hasVolume(root.Content[0], audience); got != tc.want {
			t.Errorf("%s: %d, not %d", name, got, tc.want)
		}
	}
}
