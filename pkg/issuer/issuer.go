// Package issuer makes what a cluster's API server says about its tokens public,
// so that AWS can verify them: it reads discovery document and keys from the live
// server, rewrites them for the issuer's URL, merges them with what is public
// already and writes them to S3 or a directory, as steps of a plan. It also says
// what differs between cluster and public, and how each distribution is told its
// issuer.
//
// It never sees a private key, and never takes a key away unless asked to prune.
package issuer

// JWKSPath is what follows the issuer in the URL of its key set where nothing
// else is said: where a kube-apiserver has it too.
const JWKSPath = "/openid/v1/jwks"
