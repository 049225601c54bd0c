package saml

import "github.com/your-org/keeper/redirect"

// LocalPath is text if a browser takes it as a path on this server and nothing else, and "/" if not.
func LocalPath(text string) string { return redirect.Local(text) }
