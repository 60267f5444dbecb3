package irsa

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// inSessionName is what STS takes in a RoleSessionName:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html.
func inSessionName(r rune) bool { return isWord(r) || strings.ContainsRune("+=,.@-", r) }

// sessionNameLimit is the greatest length of a role session name, in bytes.
const sessionNameLimit = 64

// SessionName names a session so that CloudTrail shows who it was:
// USER-NAMESPACE-SA-HASH, where the hash tells apart clusters whose names are
// alike. The AWS CLI keeps its own credentials under the role and this name, so
// that two ServiceAccounts of one role must not share it.
func SessionName(user, cluster, namespace, serviceAccount string) string {
	sum := sha256.Sum256([]byte(cluster + "\x00" + namespace + "\x00" + serviceAccount))
	tail := "-" + hex.EncodeToString(sum[:4])
	readable := strings.Map(func(r rune) rune {
		if inSessionName(r) {
			return r
		}
		return '-'
	}, bareUser(user)+"-"+namespace+"-"+serviceAccount)
	if most := sessionNameLimit - len(tail); len(readable) > most {
		readable = readable[:most]
	}
	return readable + tail
}

// bareUser is a user's name without the domain that Windows puts before it.
func bareUser(user string) string {
	if user == "" {
		return "unknown"
	}
	return user[strings.LastIndexByte(user, '\\')+1:]
}

// ValidSessionName reports whether STS accepts name as a role session name.
func ValidSessionName(name string) bool {
	return len(name) >= 2 && len(name) <= sessionNameLimit && strings.IndexFunc(name, func(r rune) bool { return !inSessionName(r) }) < 0
}
