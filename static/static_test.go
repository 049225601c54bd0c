package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

func get(method, url string, header map[string]string) *http.Response {
	request := httptest.NewRequest(method, url, nil)
	for key, value := range header {
		request.Header.Set(key, value)
	}
	recorder := httptest.NewRecorder()
	Handler().ServeHTTP(recorder, request)
	return recorder.Result()
}

func TestHandler(t *testing.T) {
	css := URL("keeper.css")
	t.Run("OK", func(t *testing.T) {
		answer := get("GET", css, nil)
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != 200 || !bytes.Equal(body, assets["keeper.css"].content) {
			t.Fatalf("got %d and %d bytes", answer.StatusCode, len(body))
		}
		for key, want := range map[string]string{
			"Content-Type": "text/css; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable",
			"X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding", "Content-Encoding": "",
		} {
			if got := answer.Header.Get(key); got != want {
				t.Errorf("%s: got %q, want %q", key, got, want)
			}
		}
	})
	t.Run("Gzip", func(t *testing.T) {
		answer := get("GET", css, map[string]string{"Accept-Encoding": "br, gzip;q=0.8"})
		if answer.Header.Get("Content-Encoding") != "gzip" {
			t.Fatal("the answer is not compressed")
		}
		reader, err := gzip.NewReader(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(reader); err != nil || !bytes.Equal(body, assets["keeper.css"].content) {
			t.Errorf("another content came out: %d bytes, %v", len(body), err)
		}
	})
	t.Run("GzipRefused", func(t *testing.T) {
		if answer := get("GET", css, map[string]string{"Accept-Encoding": "gzip;q=0"}); answer.Header.Get("Content-Encoding") != "" {
			t.Error("compressed for a client that refuses it")
		}
	})
	t.Run("NotModified", func(t *testing.T) {
		etag := get("GET", css, nil).Header.Get("ETag")
		if answer := get("GET", css, map[string]string{"If-None-Match": etag}); answer.StatusCode != 304 {
			t.Errorf("got %d, want 304", answer.StatusCode)
		}
	})
	t.Run("OlderBuild", func(t *testing.T) {
		answer := get("GET", "/static/000000000000/keeper.css", nil)
		if answer.StatusCode != 200 || answer.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("got %d, %q; want the present file, not cached", answer.StatusCode, answer.Header.Get("Cache-Control"))
		}
	})
	t.Run("Head", func(t *testing.T) {
		answer := get("HEAD", css, nil)
		if body, _ := io.ReadAll(answer.Body); len(body) != 0 || answer.Header.Get("Content-Length") == "" {
			t.Errorf("%d bytes, length %q", len(body), answer.Header.Get("Content-Length"))
		}
	})
	for name, url := range map[string]string{"Missing": "/static/x/none.css", "Folder": "/static/", "Escape": "/static/x/../static.go"} {
		t.Run(name, func(t *testing.T) {
			if answer := get("GET", url, nil); answer.StatusCode != 404 {
				t.Errorf("got %d, want 404", answer.StatusCode)
			}
		})
	}
	t.Run("Post", func(t *testing.T) {
		if answer := get("POST", css, nil); answer.StatusCode != 405 {
			t.Errorf("got %d, want 405", answer.StatusCode)
		}
	})
}

func TestTypesOfAllFiles(t *testing.T) {
	for name, a := range assets {
		if a.contentType == "" {
			t.Errorf("%s has no content type", name)
		}
	}
}

// whereUsed are the files that only some pages load, and how many bytes each may be.
var whereUsed = map[string]int{"code.js": 125_000, "yaml.js": 35_000}

// The first load is to stay below 250 kB compressed, pages and fonts included.
func TestFirstLoadIsLight(t *testing.T) {
	total := 0
	for name, a := range assets {
		size := len(a.content)
		if zipped := a.zipped(); zipped != nil {
			size = len(zipped)
		}
		t.Logf("%s: %d bytes", name, size)
		most, apart := whereUsed[name]
		switch {
		case !apart:
			total += size
		case size > most:
			t.Errorf("%s has %d bytes, want %d at most", name, size, most)
		}
	}
	if total > 150_000 {
		t.Errorf("%d bytes in all", total)
	}
}

// Nothing comes from another host: the only addresses are names of XML namespaces.
func TestNothingIsLoadedFromElsewhere(t *testing.T) {
	loads := regexp.MustCompile(`(?:url\(["']?|@import ["']|from ["']|src=["'])(?:https?:)?//[^)"']+`)
	for name, a := range assets {
		if found := loads.FindAll(a.content, -1); len(found) > 0 {
			t.Errorf("%s loads %q", name, found)
		}
	}
}

func TestSpriteHoldsItsList(t *testing.T) {
	list, err := os.ReadFile("src/icons.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(list))
	for _, name := range names {
		if !HasIcon(name) {
			t.Errorf("the sprite lacks %s; run go generate ./static", name)
		}
	}
	if len(names) != len(icons) {
		t.Errorf("%d icons are listed, %d are in the sprite", len(names), len(icons))
	}
}

func TestLockfileNamesNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(lock, []byte(`"resolved"`)) {
		t.Error("package-lock.json records where packages came from")
	}
}
