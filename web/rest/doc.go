// Package rest is the JSON API: each handler reads a request, calls one method of a service
// and writes the answer. There are no rules here. What it speaks stands in api/openapi.yaml.
package rest

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config server.cfg.yaml ../../api/openapi.yaml
