package rest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
)

//go:embed docs/index.html docs/init.js docs/swagger-ui.css.gz docs/swagger-ui-bundle.js.gz docs/*.LICENSE docs/swagger-ui.NOTICE
var pages embed.FS

// pagePolicy lets the reference page load what stands here, and call this server, alone.
// Its styles' pictures are data.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// publicFiles are those that need no token: they tell what the API is, nothing of what it
// holds.
var publicFiles = []struct{ path, file, kind string }{
	{"/docs", "docs/index.html", "text/html; charset=utf-8"},
	{"/docs/init.js", "docs/init.js", "text/javascript; charset=utf-8"},
	{"/docs/swagger-ui.css", "docs/swagger-ui.css.gz", "text/css; charset=utf-8"},
	{"/docs/swagger-ui-bundle.js", "docs/swagger-ui-bundle.js.gz", "text/javascript; charset=utf-8"},
	{"/docs/licences/swagger-ui", "docs/swagger-ui.LICENSE", "text/plain; charset=utf-8"},
	{"/docs/licences/swagger-ui-notice", "docs/swagger-ui.NOTICE", "text/plain; charset=utf-8"},
	{"/docs/licences/swagger-ui-bundle", "docs/swagger-ui-bundle.LICENSE", "text/plain; charset=utf-8"},
}

func servePublic(mux *http.ServeMux, document []byte) error {
	packed, err := pack(document)
	if err != nil {
		return err
	}
	mux.Handle("GET /openapi.json", newAsset(packed, "application/json"))
	mux.Handle("GET /docs/{$}", http.RedirectHandler("/docs", http.StatusMovedPermanently))
	for _, f := range publicFiles {
		content, err := pages.ReadFile(f.file)
		if err != nil {
			return fmt.Errorf("rest: %w", err)
		}
		if !strings.HasSuffix(f.file, ".gz") {
			if content, err = pack(content); err != nil {
				return err
			}
		}
		mux.Handle("GET "+f.path, newAsset(content, f.kind))
	}
	return nil
}

func pack(content []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(content); err != nil {
		return nil, fmt.Errorf("rest: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("rest: %w", err)
	}
	return b.Bytes(), nil
}

// asset is a file that is kept compressed, and unpacked only for the rare client that cannot.
type asset struct {
	packed []byte
	kind   string
	tag    string
}

func newAsset(packed []byte, kind string) asset {
	sum := sha256.Sum256(packed)
	return asset{packed: packed, kind: kind, tag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// ServeHTTP sends the file, or says that the client has it already.
func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, no-cache")
	h.Set("Vary", "Accept-Encoding")
	tag := a.tag
	if servesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		tag = strings.TrimSuffix(a.tag, `"`) + `-gzip"`
	}
	h.Set("ETag", tag)
	switch {
	case r.Header.Get("If-None-Match") == tag:
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
	case h.Get("Content-Encoding") != "":
		_, _ = w.Write(a.packed) // the client is gone where this fails
	default:
		if z, err := gzip.NewReader(bytes.NewReader(a.packed)); err == nil {
			_, _ = io.Copy(w, z) //nolint:gosec // our own file
		}
	}
}
