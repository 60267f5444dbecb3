package generate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// Scope is what a policy is bounded to. An empty field stands for any.
type Scope struct {
	Partition string // "" is aws
	Account   string
	Issuer    string
	Bucket    string
	Prefix    string // of the documents' keys
	Role      string // name, after its path
	Keys      []string
}

// A statement is one of the policy.
type statement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
}

// permission is a group of actions that go on the same resources.
type permission struct {
	sid     string
	actions []string
	on      func(Scope) []string
}

func (s Scope) arn(service, resource string) string {
	partition := s.Partition
	if partition == "" {
		partition = "aws"
	}
	return "arn:" + partition + ":" + service + "::" + resource
}

func orAny(s string) string {
	if s == "" {
		return "*"
	}
	return s
}

func anything(Scope) []string { return []string{"*"} }

func provider(s Scope) []string {
	return []string{s.arn("iam", orAny(s.Account)+":oidc-provider/"+orAny(strings.TrimPrefix(s.Issuer, "https://")))}
}

func roles(s Scope) []string { return []string{s.arn("iam", orAny(s.Account)+":role/"+orAny(s.Role))} }

func allRoles(s Scope) []string { return []string{s.arn("iam", orAny(s.Account)+":role/*")} }

func allProviders(s Scope) []string {
	return []string{s.arn("iam", orAny(s.Account)+":oidc-provider/*")}
}

func bucket(s Scope) []string { return []string{s.arn("s3", ":"+orAny(s.Bucket))} }

func objects(s Scope) []string {
	if len(s.Keys) == 0 {
		prefix := ""
		if s.Prefix != "" {
			prefix = s.Prefix + "/"
		}
		return []string{s.arn("s3", ":"+orAny(s.Bucket)+"/"+prefix+"*")}
	}
	var all []string
	for _, key := range s.Keys {
		all = append(all, s.arn("s3", ":"+orAny(s.Bucket)+"/"+key))
	}
	return all
}

// Actions whose resource types are none take * alone:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
var (
	listProviders = permission{"ListProviders", []string{"iam:ListOpenIDConnectProviders"}, anything}
	readProvider  = permission{"ReadProvider", []string{"iam:GetOpenIDConnectProvider"}, provider}
	readProviders = permission{"ReadProviders", []string{"iam:GetOpenIDConnectProvider"}, allProviders}
	writeProvider = permission{"WriteProvider", []string{
		"iam:AddClientIDToOpenIDConnectProvider", "iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider",
	}, provider}
	dropAudience = permission{"DropAudience", []string{"iam:RemoveClientIDFromOpenIDConnectProvider"}, provider}
	dropProvider = permission{"DropProvider", []string{"iam:DeleteOpenIDConnectProvider"}, provider}

	listRoles   = permission{"ListRoles", []string{"iam:ListRoles"}, anything}
	readRole    = permission{"ReadRole", []string{"iam:GetRole", "iam:ListAttachedRolePolicies"}, roles}
	listInline  = permission{"ListInline", []string{"iam:ListRolePolicies"}, roles}
	readInline  = permission{"ReadInline", []string{"iam:GetRolePolicy"}, roles}
	lookAtRoles = permission{"LookAtRoles", []string{"iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"}, allRoles}
	writeRole   = permission{"WriteRole", []string{
		"iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
		"iam:TagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
	}, roles}
	trustRole = permission{"TrustRole", []string{"iam:UpdateAssumeRolePolicy"}, roles}
	dropRole  = permission{"DropRole", []string{
		"iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:ListInstanceProfilesForRole",
	}, roles}
	simulate = permission{"Simulate", []string{"iam:SimulatePrincipalPolicy"}, roles}

	makeBucket    = permission{"MakeBucket", []string{"s3:CreateBucket", "s3:PutBucketOwnershipControls", "s3:PutBucketTagging"}, bucket}
	openBucket    = permission{"OpenBucket", []string{"s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock"}, bucket}
	readOpen      = permission{"ReadOpen", []string{"s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock"}, bucket}
	readBlock     = permission{"ReadBlock", []string{"s3:GetBucketPublicAccessBlock"}, bucket}
	readAccount   = permission{"ReadAccount", []string{"s3:GetAccountPublicAccessBlock"}, anything}
	readBucket    = permission{"ReadBucket", []string{"s3:GetBucketTagging", "s3:ListBucket"}, bucket}
	putDocuments  = permission{"PutDocuments", []string{"s3:GetObject", "s3:PutObject"}, objects}
	listBuckets   = permission{"ListBuckets", []string{"s3:ListAllMyBuckets"}, anything}
	dropBucket    = permission{"DropBucket", []string{"s3:DeleteBucket"}, bucket}
	dropDocuments = permission{"DropDocuments", []string{"s3:DeleteObject", "s3:GetObject"}, objects}
)

// commands are what each command may have to do at AWS. Whose credentials it has
// needs no permission: sts:GetCallerIdentity is always allowed, and so is the
// exchange of a token.
var commands = map[string][]permission{
	"login": nil, "logout": nil, "profiles": nil, "credential-process": nil, "exec": nil, "env": nil, "token": nil,
	"whoami": nil, "console": nil, "explain": nil, "inject": nil, "generate": nil, "issuer": nil,

	"inspect":  {listProviders, readProviders, lookAtRoles, listRoles, listBuckets, readBlock},
	"verify":   {listProviders, readProviders, lookAtRoles, listRoles, readBlock},
	"doctor":   {listProviders, readProviders, listRoles, listBuckets, readBlock},
	"get":      {listProviders, readProviders, listRoles},
	"can-i":    {simulate},
	"publish":  {listBuckets, readBucket, readOpen, readAccount, makeBucket, openBucket, putDocuments},
	"provider": {listProviders, readProvider, writeProvider, dropAudience, dropProvider},
	"role":     {listProviders, readProvider, readRole, listInline, readInline, writeRole, dropRole},
	"bind":     {listProviders, readProvider, {"AddAudience", []string{"iam:AddClientIDToOpenIDConnectProvider"}, provider}, readRole, readInline, writeRole},
	"unbind":   {listProviders, readProvider, readRole, listInline, trustRole, dropRole},
	"setup": {
		listProviders, readProvider, writeProvider, readRole, readInline, writeRole, listBuckets, readBucket, readOpen, readAccount, makeBucket, openBucket, putDocuments,
	},
	"cleanup": {
		listProviders, readProviders, dropProvider, listRoles, readRole, listInline, trustRole, dropRole, readBucket, dropDocuments, dropBucket,
	},
}

// Commands are those that PolicyFor knows.
func Commands() []string { return slices.Sorted(maps.Keys(commands)) }

// Needs reports whether a command needs any permission.
func Needs(command string) bool { return len(commands[command]) > 0 }

// PolicyFor is the least IAM policy for a command, as JSON. A command that needs
// none has no policy: IAM takes none that is empty.
func PolicyFor(command string, scope Scope) ([]byte, error) {
	permissions, known := commands[command]
	switch {
	case !known:
		return nil, fmt.Errorf("no command %q: %s", command, strings.Join(Commands(), ", "))
	case len(permissions) == 0:
		return nil, fmt.Errorf("%s needs no permission at AWS", command)
	}
	if scope.Partition == "" {
		scope.Partition = irsa.PartitionOf("")
	}
	var document struct {
		Version   string
		Statement []statement
	}
	document.Version = "2012-10-17"
	for _, p := range permissions {
		document.Statement = append(document.Statement, statement{Sid: p.sid, Effect: "Allow", Action: p.actions, Resource: p.on(scope)})
	}
	text, err := json.MarshalIndent(document, "", "  ")
	return append(text, '\n'), err
}
