package irsa

import (
	"fmt"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// RoleARN is the parsed name of an IAM role:
// arn:PARTITION:iam::ACCOUNT:role/PATH/NAME.
type RoleARN struct {
	Partition string // aws, aws-cn, aws-us-gov, aws-eusc ...
	Account   string // twelve digits at AWS; other servers have forms of their own
	Path      string // "/" or "/team/"
	Name      string
}

// String is the ARN, as AWS writes it.
func (r RoleARN) String() string {
	return "arn:" + r.Partition + ":iam::" + r.Account + ":role" + r.Path + r.Name
}

// Region is the region whose STS serves the role's partition where nobody
// chose one.
func (r RoleARN) Region() string {
	if region, ok := partitionRegion[r.Partition]; ok {
		return region
	}
	return partitionRegion["aws"]
}

// partitionRegion maps a partition to the region that is always enabled in it:
// https://docs.aws.amazon.com/general/latest/gr/sts.html.
var partitionRegion = map[string]string{
	"aws":        "us-east-1",
	"aws-cn":     "cn-north-1",
	"aws-us-gov": "us-gov-west-1",
	"aws-eusc":   "eusc-de-east-1",
	"aws-iso":    "us-iso-east-1",
	"aws-iso-b":  "us-isob-east-1",
	"aws-iso-e":  "eu-isoe-west-1",
	"aws-iso-f":  "us-isof-south-1",
}

// PartitionOf is the partition that a region belongs to, by the region's name.
func PartitionOf(region string) string {
	for _, p := range []struct{ prefix, partition string }{
		{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"eusc-", "aws-eusc"},
		{"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"},
		{"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

// The lengths of a role's name and path:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html.
const (
	roleNameLimit = 64
	rolePathLimit = 512
)

// The rules are functions: regular expressions would be compiled at every start.

func isRoleName(s string) bool {
	return s != "" && len(s) <= roleNameLimit && strings.IndexFunc(s, func(r rune) bool {
		return !isWord(r) && !strings.ContainsRune("+=,.@-", r)
	}) < 0
}

func isRolePath(s string) bool {
	return len(s) <= rolePathLimit && strings.IndexFunc(s, func(r rune) bool { return r < '!' || r > '~' }) < 0
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func isPartition(s string) bool {
	return s == "aws" || strings.HasPrefix(s, "aws-") && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-") == ""
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

const arnForm = "a role's ARN reads arn:aws:iam::111122223333:role/NAME"

// What the account of a role may be, for ParseRoleARN. Servers that are not AWS have
// forms of their own: Ceph's begin with RGW.
const (
	TwelveDigits = false
	AnyAccount   = true
)

// ParseRoleARN parses s and says what is wrong with it in one sentence. anyAccount
// is TwelveDigits, AnyAccount, or what is known of the server.
func ParseRoleARN(s string, anyAccount bool) (RoleARN, error) {
	bad := func(format string, args ...any) (RoleARN, error) {
		return RoleARN{}, hint.Wrap(fmt.Errorf("role ARN %q: %s", s, fmt.Sprintf(format, args...)), arnForm)
	}
	switch {
	case s == "":
		return bad("it is empty")
	case s != strings.TrimSpace(s) || strings.ContainsAny(s, " \t\r\n"):
		return bad("it contains a space")
	case strings.ContainsAny(s, `<>${}`):
		return bad("it still holds a placeholder")
	case strings.ContainsAny(s, `"'`):
		return bad("it contains a quote")
	}
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return bad("it is not an ARN")
	}
	role := RoleARN{Partition: parts[1], Account: parts[4]}
	path, isRole := strings.CutPrefix(parts[5], "role/")
	switch {
	case !isPartition(role.Partition):
		return bad("%q is not an AWS partition", role.Partition)
	case parts[2] == "sts" && strings.HasPrefix(parts[5], "assumed-role/"):
		return bad("it names a session of a role; name the role itself")
	case parts[2] != "iam":
		return bad("it belongs to %q, not to iam", parts[2])
	case parts[3] != "":
		return bad("IAM ARNs have no region, this one has %q", parts[3])
	case !isRole:
		return bad("it names %q, not a role", kind(parts[5]))
	case role.Account == "":
		return bad("the account is missing")
	case !anyAccount && !isAccount(role.Account):
		return bad("the account %q is not twelve digits", role.Account)
	}
	slash := strings.LastIndex(path, "/")
	role.Path, role.Name = "/"+path[:slash+1], path[slash+1:]
	if !isRoleName(role.Name) {
		return bad("%q is not a role's name (1 to 64 letters, digits and +=,.@_-)", role.Name)
	}
	if !isRolePath(role.Path) {
		return bad("%q is not a role's path", role.Path)
	}
	return role, nil
}

func kind(resource string) string {
	k, _, _ := strings.Cut(resource, "/")
	return k
}
