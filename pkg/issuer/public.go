package issuer

// The headers with which both documents are stored.
const (
	ContentType  = contentType
	CacheControl = cacheControl
)

// PublicPolicy is a bucket policy of its own that lets anybody read the objects
// of these ARNs, and nothing else.
func PublicPolicy(arns ...string) (string, error) {
	policy, _, err := openPolicy("", arns)
	return policy, err
}
