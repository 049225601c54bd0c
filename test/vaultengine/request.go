package main

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/hashicorp/go-uuid"
	"github.com/hashicorp/vault/sdk/helper/jsonutil"
	"github.com/hashicorp/vault/sdk/logical"
)

const (
	methodList = "LIST"
	mergePatch = "application/merge-patch+json"
)

// vaultPath is the path below /v1/.
func vaultPath(r *http.Request) string {
	return strings.TrimPrefix(r.URL.Path, "/v1/")
}

// requestToken reads the token as Vault does: its own header first, then a bearer token.
func requestToken(r *http.Request) string {
	if token := r.Header.Get("X-Vault-Token"); token != "" {
		return token
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

// method names what a request does: PUT is POST, and GET with list=true is LIST.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodPut:
		return http.MethodPost
	case http.MethodGet:
		if list, _ := strconv.ParseBool(r.URL.Query().Get("list")); list {
			return methodList
		}
	}
	return r.Method
}

// logicalRequest translates a request by Vault's rules. A status other than 0 is the answer to give instead.
func logicalRequest(r *http.Request) (*logical.Request, int, error) {
	id, err := uuid.GenerateUUID()
	if err != nil {
		return nil, http.StatusInternalServerError, err
	}
	req := &logical.Request{ID: id, Path: vaultPath(r), DisplayName: "root", ClientToken: requestToken(r)}
	query := r.URL.Query()
	switch method(r) {
	case http.MethodGet:
		if list := query.Get("list"); list != "" {
			if _, err := strconv.ParseBool(list); err != nil {
				return nil, http.StatusBadRequest, nil
			}
		}
		req.Operation, req.Data = logical.ReadOperation, queryData(query)
	case http.MethodHead:
		req.Operation, req.Data = logical.HeaderOperation, queryData(query)
	case http.MethodDelete:
		req.Operation, req.Data = logical.DeleteOperation, queryData(query)
	case methodList:
		query.Del("list")
		req.Operation, req.Data = logical.ListOperation, queryData(query)
		req.Path = strings.TrimSuffix(req.Path, "/") + "/"
	case http.MethodPatch:
		if status, err := checkPatchType(r); err != nil {
			return nil, status, err
		}
		req.Operation = logical.PatchOperation
		return withBody(req, r)
	case http.MethodPost:
		req.Operation = logical.UpdateOperation
		return withBody(req, r)
	case http.MethodOptions:
		return nil, http.StatusMethodNotAllowed, errors.New("unsupported operation")
	default:
		return nil, http.StatusMethodNotAllowed, nil
	}
	return req, 0, nil
}

func checkPatchType(r *http.Request) (int, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return http.StatusBadRequest, err
	}
	if kind != mergePatch {
		return http.StatusUnsupportedMediaType, fmt.Errorf("PATCH requires Content-Type of %s, provided %s", mergePatch, kind)
	}
	return 0, nil
}

// withBody decodes the body; numbers keep their digits. The decoder's error may quote a value, so it goes no further.
func withBody(req *logical.Request, r *http.Request) (*logical.Request, int, error) {
	err := jsonutil.DecodeJSONFromReader(r.Body, &req.Data)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return req, 0, nil
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge, errors.New("error parsing JSON")
	default:
		return nil, http.StatusBadRequest, errors.New("error parsing JSON")
	}
}

func queryData(values url.Values) map[string]any {
	data := make(map[string]any, len(values))
	for key, all := range values {
		if len(all) == 1 {
			data[key] = all[0]
		} else {
			data[key] = all
		}
	}
	return data
}
