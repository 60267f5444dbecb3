// Package docs plays the pages of the documentation: every command that a
// block marked "console" shows is run in a world, and prints what the page
// shows. A page is one terminal, from its first block to its last. A page that
// needs another kind of world names it in a comment, and one further down goes on
// in a fresh world of that kind:
//
//	<!-- world: --bare -->
//
// A block whose commands cannot be run here (a kubelet, a distribution) is
// marked "console norun". UPDATE=1 rewrites what the pages show. IRSA_PLUGIN_DIR
// names the folder of kubectl-irsa where it is not bin.
package docs
