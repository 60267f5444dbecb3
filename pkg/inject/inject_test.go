package inject_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/inject"
)

const (
	role   = "arn:aws:iam::111122223333:role/cart"
	region = "eu-west-1"
)

// accounts are the ServiceAccounts of every manifest in testdata.
var accounts = map[string]map[string]string{
	"cart":     {"eks.amazonaws.com/role-arn": role},
	"audience": {"eks.amazonaws.com/role-arn": role, "eks.amazonaws.com/audience": "https://vault.example.com"},
	"hour":     {"eks.amazonaws.com/role-arn": role, "eks.amazonaws.com/token-expiration": "3600"},
	"second":   {"eks.amazonaws.com/role-arn": role, "eks.amazonaws.com/token-expiration": "1"},
	"regional": {"eks.amazonaws.com/role-arn": role, "eks.amazonaws.com/sts-regional-endpoints": "true"},
	"odd":      {"eks.amazonaws.com/role-arn": role, "eks.amazonaws.com/sts-regional-endpoints": "maybe", "eks.amazonaws.com/token-expiration": "soon"},
	"china":    {"eks.amazonaws.com/role-arn": "arn:aws-cn:iam::111122223333:role/team/a+b=c,d.e@f-g"},
	"strange":  {"eks.amazonaws.com/role-arn": "true: \"yes\" #"},
	"plain":    {},
}

// injector gives manifests whose name ends in -region a region.
func injector(file string) *inject.Injector {
	j := &inject.Injector{Identity: func(a inject.Account) inject.Identity { return inject.Default().With(accounts[a.Name]) }}
	if strings.Contains(file, "region") {
		j.Region = region
	}
	return j
}

func run(t *testing.T, j *inject.Injector, text []byte) ([]byte, []inject.Workload) {
	t.Helper()
	var out []byte
	var all []inject.Workload
	for document, err := range inject.Documents(bytes.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		changed, workloads, err := j.Document(document)
		if err != nil {
			t.Fatal(err)
		}
		out, all = append(out, changed...), append(all, workloads...)
	}
	return out, all
}

func manifests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.in")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d manifests, %v", len(files), err)
	}
	return files
}

// TestManifests compares with what stands in testdata, byte for byte. UPDATE=1
// rewrites it; TestWebhookRules then says whether it is right.
func TestManifests(t *testing.T) {
	for _, file := range manifests(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got, workloads := run(t, injector(file), read(t, file))
			report := ""
			for _, w := range workloads {
				report += fmt.Sprintf("%s/%s as %s changed=%t role=%t\n", w.Kind, w.Name, w.Account.Name, w.Changed, w.Role != "")
				for _, note := range w.Notes {
					report += "  it " + note + "\n"
				}
			}
			for ending, text := range map[string][]byte{".out": got, ".report": []byte(report)} {
				golden := strings.TrimSuffix(file, ".in") + ending
				if os.Getenv("UPDATE") != "" {
					if err := os.WriteFile(golden, text, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(string(read(t, golden)), string(text)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", golden, diff)
				}
			}
			again, _ := run(t, injector(file), got)
			if diff := cmp.Diff(string(got), string(again)); diff != "" {
				t.Errorf("a second run changes it:\n%s", diff)
			}
		})
	}
}

// TestWebhookRules decodes every manifest as Kubernetes does, applies the
// webhook's rules to the pods, and compares with what was injected.
func TestWebhookRules(t *testing.T) {
	for _, file := range manifests(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, got := pods(t, read(t, file)), pods(t, read(t, strings.TrimSuffix(file, ".in")+".out"))
			if len(want) == 0 && !strings.Contains(file, "nothing") {
				t.Fatal("no pod in it")
			}
			for i := range want {
				webhook(&want[i], injector(file).Region)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-webhook +inject):\n%s", diff)
			}
		})
	}
}

// TestOnlyLinesAreAdded holds where a document is in block style: take the new
// lines away, and the input is left.
func TestOnlyLinesAreAdded(t *testing.T) {
	for _, file := range manifests(t) {
		name := filepath.Base(file)
		if strings.Contains(name, "anew") || strings.Contains(name, "flow") || strings.Contains(name, "json") || strings.Contains(name, "empty") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			in, out := read(t, file), read(t, strings.TrimSuffix(file, ".in")+".out")
			rest := strings.SplitAfter(string(out), "\n")
			for line := range strings.Lines(string(in)) {
				for len(rest) > 0 && strings.TrimRight(rest[0], "\r\n") != strings.TrimRight(line, "\r\n") {
					rest = rest[1:]
				}
				if len(rest) == 0 {
					t.Fatalf("line %q is gone or moved", line)
				}
				rest = rest[1:]
			}
		})
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// object is any of the kinds with pods in them, and a List.
type object struct {
	APIVersion, Kind string
	Metadata         corev1.Pod `json:"-"`
	Items            []object
	Template         *corev1.PodTemplateSpec
	Spec             struct {
		corev1.PodSpec
		Template    *corev1.PodTemplateSpec
		JobTemplate *struct {
			Spec struct{ Template corev1.PodTemplateSpec }
		}
	}
}

// pods are the pods of a stream, in their order.
func pods(t *testing.T, text []byte) []corev1.PodTemplateSpec {
	t.Helper()
	var all []corev1.PodTemplateSpec
	for document, err := range inject.Documents(bytes.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		var o object
		var pod corev1.PodTemplateSpec
		if err := yaml.Unmarshal(document, &o); err != nil {
			t.Fatal(err)
		}
		if o.Kind == "Pod" {
			if err := yaml.Unmarshal(document, &pod); err != nil {
				t.Fatal(err)
			}
			o.Template = &pod
		}
		all = append(all, o.pods()...)
	}
	return all
}

func (o *object) pods() []corev1.PodTemplateSpec {
	var all []corev1.PodTemplateSpec
	for _, item := range o.Items {
		if item.Kind == "" {
			item.APIVersion, item.Kind = o.APIVersion, strings.TrimSuffix(o.Kind, "List")
		}
		all = append(all, item.pods()...)
	}
	if strings.Contains(o.APIVersion, "volcano") {
		return nil
	}
	switch {
	case o.Kind == "Pod" && o.Template == nil: // in a List
		return append(all, corev1.PodTemplateSpec{Spec: o.Spec.PodSpec})
	case o.Kind == "Pod", o.Kind == "PodTemplate":
		return append(all, *o.Template)
	case o.Spec.JobTemplate != nil:
		return append(all, o.Spec.JobTemplate.Spec.Template)
	case o.Spec.Template != nil:
		return append(all, *o.Spec.Template)
	}
	return all
}

// webhook changes a pod as the rules of the EKS pod identity webhook say:
// https://github.com/aws/amazon-eks-pod-identity-webhook/blob/master/README.md.
func webhook(pod *corev1.PodTemplateSpec, region string) {
	name := pod.Spec.ServiceAccountName
	if name == "" {
		name = pod.Spec.DeprecatedServiceAccount // as the API server defaults it
	}
	says := accounts[name]
	roleARN := says["eks.amazonaws.com/role-arn"]
	if roleARN == "" {
		return
	}
	audience, seconds := "sts.amazonaws.com", int64(86400)
	if a, ok := says["eks.amazonaws.com/audience"]; ok {
		audience = a
	}
	for _, annotations := range []map[string]string{says, pod.Annotations} {
		if n, err := strconv.ParseInt(annotations["eks.amazonaws.com/token-expiration"], 10, 64); err == nil {
			seconds = max(n, 600)
		}
	}
	hasVolume := false
	for _, v := range pod.Spec.Volumes {
		if v.Name != "aws-iam-token" {
			continue
		}
		if hasVolume = v.Projected != nil && len(v.Projected.Sources) > 0 && v.Projected.Sources[0].ServiceAccountToken != nil &&
			v.Projected.Sources[0].ServiceAccountToken.Audience == audience; !hasVolume {
			return // a token for somebody else under the reserved name
		}
	}
	if !hasVolume {
		volume := corev1.Volume{Name: "aws-iam-token"}
		volume.Projected = &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{
			ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: audience, ExpirationSeconds: &seconds, Path: "token"},
		}}}
		pod.Spec.Volumes = append([]corev1.Volume{volume}, pod.Spec.Volumes...)
	}
	file := "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
	if pod.Spec.NodeSelector["kubernetes.io/os"] == "windows" || pod.Spec.NodeSelector["beta.kubernetes.io/os"] == "windows" {
		file = `C:\var\run\secrets\eks.amazonaws.com\serviceaccount\token`
	}
	skip, err := csv.NewReader(strings.NewReader(pod.Annotations["eks.amazonaws.com/skip-containers"])).Read()
	if err != nil {
		skip = nil
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if !has(skip, list[i].Name) {
				webhookContainer(&list[i], region, roleARN, file, says["eks.amazonaws.com/sts-regional-endpoints"] == "true")
			}
		}
	}
}

func webhookContainer(c *corev1.Container, region, roleARN, file string, regional bool) {
	var names []string
	for _, e := range c.Env {
		names = append(names, e.Name)
	}
	add := func(name, value string) { c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: value}) }
	if regional && !has(names, "AWS_STS_REGIONAL_ENDPOINTS") {
		add("AWS_STS_REGIONAL_ENDPOINTS", "regional")
	}
	if region != "" && !has(names, "AWS_REGION") && !has(names, "AWS_DEFAULT_REGION") {
		add("AWS_DEFAULT_REGION", region)
		add("AWS_REGION", region)
	}
	if !has(names, "AWS_ROLE_ARN") && !has(names, "AWS_WEB_IDENTITY_TOKEN_FILE") {
		add("AWS_ROLE_ARN", roleARN)
		add("AWS_WEB_IDENTITY_TOKEN_FILE", file)
	}
	for _, m := range c.VolumeMounts {
		if m.Name == "aws-iam-token" || m.MountPath == "/var/run/secrets/eks.amazonaws.com/serviceaccount" {
			return
		}
	}
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{
		Name: "aws-iam-token", ReadOnly: true, MountPath: "/var/run/secrets/eks.amazonaws.com/serviceaccount",
	})
}

func has(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func TestDocumentsPutTogetherAreTheStream(t *testing.T) {
	for name, tc := range map[string]struct {
		stream string
		want   []string
	}{
		"nothing":                             {"", nil},
		"one document without a separator":    {"a: 1\n", []string{"a: 1\n"}},
		"a separator belongs to what follows": {"a: 1\n---\nb: 2\n--- # c\nc: 3", []string{"a: 1\n", "---\nb: 2\n", "--- # c\nc: 3"}},
		"a comment before the first":          {"# head\n---\na: 1\n", []string{"# head\n", "---\na: 1\n"}},
		"dashes in text separate nothing":     {"a: |\n  ---\n  b\nc: ----\n", []string{"a: |\n  ---\n  b\nc: ----\n"}},
		"JSON values in a row":                {"{\"a\":\n\"}{\"}\n{\"b\":2}\n\n", []string{"{\"a\":\n\"}{\"}\n", "{\"b\":2}\n", "\n"}},
		"YAML in braces is not cut":           {"{a: '}',\n b: 1}\n", []string{"{a: '}',\n b: 1}\n"}},
		"Windows line ends":                   {"a: 1\r\n---\r\nb: 2\r\n", []string{"a: 1\r\n", "---\r\nb: 2\r\n"}},
		"a line longer than the buffer":       {"a: " + strings.Repeat("x", 200_000) + "\n---\nb: 1\n", []string{"a: " + strings.Repeat("x", 200_000) + "\n", "---\nb: 1\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for document, err := range inject.Documents(strings.NewReader(tc.stream)) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(document))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestMemoryDoesNotGrow reads a stream that never ends for a while: were it
// held, the test would need gigabytes.
func TestMemoryDoesNotGrow(t *testing.T) {
	document := append([]byte("---\n"), read(t, "testdata/deployment.in")...)
	var held int
	j := injector("")
	for d, err := range inject.Documents(io.LimitReader(&endless{text: document}, 8<<20)) {
		if err != nil {
			t.Fatal(err)
		}
		if held = max(held, cap(d)); held > 64<<10 {
			t.Fatalf("a document of %d bytes is held in %d", len(document), held)
		}
		if _, _, err := j.Document(d[:min(len(d), len(document))]); err != nil && len(d) == len(document) {
			t.Fatal(err)
		}
	}
}

type endless struct {
	text []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func FuzzDocument(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.in")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		j := injector("region")
		once, _, err := j.Document(text)
		if err != nil {
			return
		}
		twice, _, err := j.Document(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("a second run gives %q, %v\nthe first gave %q", twice, err, once)
		}
	})
}
