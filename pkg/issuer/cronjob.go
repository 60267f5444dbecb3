package issuer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// CronJob is what keeps the public keys in step from inside the cluster.
type CronJob struct {
	Name, Namespace string
	Image           string
	Schedule        string
	RoleARN         string // of the role that may write the two objects
	Audience        string
	Region          string
	Target          string // as --to takes it; "" is where the issuer's URL leads
}

// Where the pod identity webhook mounts its token too, so that the SDKs' own
// settings name it: https://github.com/aws/amazon-eks-pod-identity-webhook.
const (
	tokenDir  = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
	tokenLife = 3600 // seconds
)

// YAML are the objects: a ServiceAccount, the right to read what the API server
// says of its issuer, and the CronJob with a projected token of its own. The pod
// holds no AWS key and may do nothing else in the cluster.
func (c CronJob) YAML() ([]byte, error) {
	meta := metav1.ObjectMeta{Name: c.Name, Namespace: c.Namespace, Labels: map[string]string{"app.kubernetes.io/name": c.Name}}
	global := meta
	global.Namespace, global.Name = "", c.Namespace+"-"+c.Name
	objects := []runtime.Object{
		&corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: meta},
		&rbacv1.ClusterRoleBinding{
			TypeMeta: metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRoleBinding"}, ObjectMeta: global,
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:service-account-issuer-discovery"},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: c.Name, Namespace: c.Namespace}},
		},
		c.job(meta),
	}
	var all bytes.Buffer
	for i, object := range objects {
		text, err := marshal(object)
		if err != nil {
			return nil, fmt.Errorf("writing the manifest: %w", err)
		}
		if i > 0 {
			all.WriteString("---\n")
		}
		all.Write(text)
	}
	return all.Bytes(), nil
}

func (c CronJob) job(meta metav1.ObjectMeta) *batchv1.CronJob {
	history, retries, no, yes := int32(1), int32(2), false, true
	user, life, deadline := int64(65532), int64(tokenLife), int64(300)
	args := []string{"publish"}
	if c.Target != "" {
		args = append(args, "--to", c.Target)
	}
	pod := corev1.PodSpec{
		ServiceAccountName: c.Name, RestartPolicy: corev1.RestartPolicyNever,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: &yes, RunAsUser: &user, RunAsGroup: &user, FSGroup: &user,
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name: "publish", Image: c.Image, Args: args,
			Env: []corev1.EnvVar{
				{Name: "AWS_ROLE_ARN", Value: c.RoleARN}, {Name: "AWS_WEB_IDENTITY_TOKEN_FILE", Value: tokenDir + "/token"},
				{Name: "AWS_REGION", Value: c.Region}, {Name: "HOME", Value: "/tmp"},
			},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
			VolumeMounts: []corev1.VolumeMount{{Name: "aws-iam-token", MountPath: tokenDir, ReadOnly: true}},
		}},
		Volumes: []corev1.Volume{{Name: "aws-iam-token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
				Audience: c.Audience, ExpirationSeconds: &life, Path: "token",
			}}},
		}}}},
	}
	labelled := metav1.ObjectMeta{Labels: meta.Labels}
	return &batchv1.CronJob{
		TypeMeta: metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "CronJob"}, ObjectMeta: meta,
		Spec: batchv1.CronJobSpec{
			Schedule: c.Schedule, ConcurrencyPolicy: batchv1.ForbidConcurrent,
			SuccessfulJobsHistoryLimit: &history, FailedJobsHistoryLimit: &history,
			JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{
				BackoffLimit: &retries, ActiveDeadlineSeconds: &deadline,
				Template: corev1.PodTemplateSpec{ObjectMeta: labelled, Spec: pod},
			}},
		},
	}
}

// marshal is an object as YAML, without the members that only a server fills in.
func marshal(object runtime.Object) ([]byte, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	omitEmpty(plain)
	return yaml.Marshal(plain)
}

func omitEmpty(value any) {
	members, ok := value.(map[string]any)
	if !ok {
		if list, ok := value.([]any); ok {
			for _, item := range list {
				omitEmpty(item)
			}
		}
		return
	}
	for name, member := range members {
		if name == "status" || name == "creationTimestamp" && member == nil || name == "resources" && len(asMap(member)) == 0 {
			delete(members, name)
			continue
		}
		omitEmpty(member)
		if name == "metadata" && len(asMap(member)) == 0 {
			delete(members, name)
		}
	}
}

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// Policy is the least that the role of the CronJob needs, as an IAM policy: to
// find the bucket, and to read and write the two objects.
func Policy(l Location, jwks string) string {
	key := strings.TrimPrefix(jwks, "/")
	statements := []map[string]any{
		{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:" + l.Partition() + ":s3:::" + l.Bucket},
		{"Effect": "Allow", "Action": []string{"s3:GetObject", "s3:PutObject"}, "Resource": []string{l.ARN(l.DiscoveryKey()), l.ARN(key)}},
	}
	text, err := json.MarshalIndent(map[string]any{"Version": "2012-10-17", "Statement": statements}, "", "  ")
	if err != nil {
		return "" // strings can always be written
	}
	return string(text)
}
