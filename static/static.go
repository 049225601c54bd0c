// Package static holds what browsers load beside the pages: one stylesheet, two scripts, a
// sprite of icons and the mark, and modules that only some pages import. All are built from src into dist and embedded; nothing comes
// from another host, and a build of Keeper needs neither npm nor a network.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
)

//go:generate go run ./build

//go:embed dist
var dist embed.FS

// Prefix is where Handler is mounted.
const Prefix = "/static/"

type asset struct {
	content     []byte
	zipped      func() []byte // nil content where zipping gains nothing
	contentType string
	hash        string // of the content: a changed file is another URL
}

var assets = load()

var icons = iconNames(assets["icons.svg"].content)

func load() map[string]asset {
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		panic(fmt.Sprintf("static: read the embedded files: %v", err))
	}
	loaded := make(map[string]asset, len(entries))
	for _, e := range entries {
		content, err := fs.ReadFile(dist, "dist/"+e.Name())
		if err != nil {
			panic(fmt.Sprintf("static: read %s: %v", e.Name(), err))
		}
		sum := sha256.Sum256(content)
		loaded[e.Name()] = asset{
			content: content, zipped: sync.OnceValue(func() []byte { return zip(content) }),
			contentType: contentType(e.Name()), hash: hex.EncodeToString(sum[:6]),
		}
	}
	return loaded
}

// URL is where a file is served. The URL changes with the content, so that it can be cached
// for ever. A name that does not exist is a defect and panics.
func URL(name string) string {
	a, ok := assets[name]
	if !ok {
		panic(fmt.Sprintf("static: no file %q", name))
	}
	return Prefix + a.hash + "/" + name
}

// HasIcon reports whether the sprite holds the icon.
func HasIcon(name string) bool { return icons[name] }

// Handler serves the files below Prefix. A URL of an older build is answered with the
// present file and must not be cached: replicas may run two builds for a while.
func Handler() http.Handler { return http.HandlerFunc(serve) }

func serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD are answered here.", http.StatusMethodNotAllowed)
		return
	}
	hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	a, ok := assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "no-cache")
	if hash == a.hash {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	content, etag := a.content, `"`+a.hash+`"`
	if zipped := a.zipped(); zipped != nil && acceptsGzip(r) {
		content, etag = zipped, `"`+a.hash+`-gzip"`
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Length", fmt.Sprint(len(content)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(content)
	}
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";")
		if coding == "gzip" {
			return weight != "q=0"
		}
	}
	return false
}

// zip compresses as well as gzip can, or returns nil where that saves less than a tenth.
func zip(content []byte) []byte {
	var buffer bytes.Buffer
	zipper, _ := gzip.NewWriterLevel(&buffer, gzip.BestCompression) // the level is valid
	_, _ = zipper.Write(content)                                    // a buffer does not fail
	_ = zipper.Close()
	if buffer.Len() > len(content)*9/10 {
		return nil
	}
	return buffer.Bytes()
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(path.Ext(name))
	}
}

var symbolID = regexp.MustCompile(`<symbol id="([a-z0-9-]+)"`)

func iconNames(sprite []byte) map[string]bool {
	names := map[string]bool{}
	for _, match := range symbolID.FindAllSubmatch(sprite, -1) {
		names[string(match[1])] = true
	}
	return names
}
