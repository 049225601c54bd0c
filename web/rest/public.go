package rest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

//go:embed docs/reference.css
var pages embed.FS

// pagePolicy lets the reference load Keeper's own styles, and the script that chooses between
// light and dark, alone. Its styles' pictures are data.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// publicFiles are what needs no token: it tells what the API is, nothing of what it holds.
func publicFiles(document []byte) ([]publicFile, error) {
	style, err := pages.ReadFile("docs/reference.css")
	if err != nil {
		return nil, fmt.Errorf("rest: %w", err)
	}
	all := []publicFile{{"/openapi.json", "application/json", document}, {"/docs/reference.css", "text/css; charset=utf-8", style}}
	made, err := reference(document)
	if err != nil {
		return nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(made)) {
		all = append(all, publicFile{path, "text/html; charset=utf-8", made[path]})
	}
	return all, nil
}

type publicFile struct {
	path, kind string
	content    []byte
}

func servePublic(mux *http.ServeMux, document []byte) error {
	files, err := publicFiles(document)
	if err != nil {
		return err
	}
	mux.Handle("GET /docs/{$}", http.RedirectHandler("/docs", http.StatusMovedPermanently))
	for _, f := range files {
		packed, err := pack(f.content)
		if err != nil {
			return err
		}
		mux.Handle("GET "+f.path, newAsset(packed, f.kind))
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
