package install

import (
	"net/http"
	"strings"
	"sync"
)

// Releases is where the template of this repository says that archives are: what
// an index of another place puts its own address for.
const Releases = "https://github.com/kubectl-irsa/kubectl-irsa/releases/download/"

// An Index is a krew index and the archives that it names, as a web server. It
// serves nothing until it is told what.
type Index struct {
	mu    sync.Mutex
	files map[string][]byte
}

// Serve has the index answer path, as "plugins/irsa.yaml", with content from now
// on.
func (x *Index) Serve(path string, content []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.files == nil {
		x.files = map[string][]byte{}
	}
	x.files[path] = content
}

func (x *Index) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	x.mu.Lock()
	content, ok := x.files[strings.TrimPrefix(request.URL.Path, "/")]
	x.mu.Unlock()
	if !ok {
		http.NotFound(w, request)
		return
	}
	_, _ = w.Write(content)
}
