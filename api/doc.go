// Package api holds the words of the JSON API: openapi.yaml, which says it all, and the Go
// types that server and client speak it with. It needs the standard library alone.
//
// The types are made from the document, but for those that JSON alone cannot say: values
// that do not print themselves, an environment by id or name, an expiry that can be taken
// away.
package api

import _ "embed"

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config models.cfg.yaml openapi.yaml

// Document is the OpenAPI document, in YAML.
//
//go:embed openapi.yaml
var Document []byte
