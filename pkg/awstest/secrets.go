package awstest

// Secrets are the secret keys and session tokens of every access key so far, for
// tests that look for them where they do not belong.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, k := range s.keys {
		all = append(all, k.secret)
		if k.token != "" {
			all = append(all, k.token)
		}
	}
	return all
}
