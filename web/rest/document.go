package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// document is what the server itself reads of the OpenAPI document.
type document struct {
	json  []byte
	query map[string][]string // names of query parameters by route, "GET /api/secrets", sorted
}

type parameter struct {
	Ref  string `json:"$ref"`
	Name string `json:"name"`
	In   string `json:"in"`
}

func readDocument(text []byte) (document, error) {
	converted, err := yaml.YAMLToJSON(text)
	if err != nil {
		return document{}, fmt.Errorf("rest: reading the OpenAPI document: %w", err)
	}
	var parsed struct {
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Parameters map[string]parameter `json:"parameters"`
		} `json:"components"`
	}
	if err := json.Unmarshal(converted, &parsed); err != nil {
		return document{}, fmt.Errorf("rest: reading the OpenAPI document: %w", err)
	}
	d := document{json: converted, query: map[string][]string{}}
	for path, item := range parsed.Paths {
		for method, raw := range item {
			if !slices.Contains(methods, strings.ToUpper(method)) {
				continue
			}
			var operation struct {
				Parameters []parameter `json:"parameters"`
			}
			if err := json.Unmarshal(raw, &operation); err != nil {
				return document{}, fmt.Errorf("rest: reading %s %s: %w", method, path, err)
			}
			d.query[strings.ToUpper(method)+" "+path] = queryNames(operation.Parameters, parsed.Components.Parameters)
		}
	}
	if len(d.query) == 0 {
		return document{}, fmt.Errorf("rest: the OpenAPI document has no operations")
	}
	return d, nil
}

func queryNames(parameters []parameter, shared map[string]parameter) []string {
	var names []string
	for _, p := range parameters {
		if p.Ref != "" {
			p = shared[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
		}
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}

// servesGzip reports whether the client takes gzip; a client that says q=0 is rare enough to
// be read by the letter.
func servesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(coding, "gzip") {
			return strings.ReplaceAll(quality, " ", "") != "q=0"
		}
	}
	return false
}
