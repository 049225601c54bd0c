package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

const (
	healthPath = "sys/health"
	version    = "1.21.0"
)

// serveOpen answers what Vault answers without a token; false means that path is not such a one.
func serveOpen(w http.ResponseWriter, r *http.Request, path string) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	switch path {
	case healthPath:
		respondHealth(w, false)
	case "sys/seal-status":
		respondJSON(w, http.StatusOK, map[string]any{
			"type": "shamir", "initialized": true, "sealed": false, "t": 1, "n": 1, "progress": 0,
			"version": version, "storage_type": "inmem", "cluster_name": "vaultengine",
		})
	default:
		return false
	}
	return true
}

func respondHealth(w http.ResponseWriter, sealed bool) {
	status := http.StatusOK
	if sealed {
		status = http.StatusServiceUnavailable
	}
	respondJSON(w, status, map[string]any{
		"initialized": true, "sealed": sealed, "standby": false, "performance_standby": false,
		"replication_performance_mode": "disabled", "replication_dr_mode": "disabled", "enterprise": false,
		"server_time_utc": time.Now().Unix(), "version": version, "cluster_name": "vaultengine",
	})
}

// serveSystem answers the paths below sys/ that a KV client reads; false means that path is not below sys/.
func (e *Engine) serveSystem(w http.ResponseWriter, r *http.Request, path string) bool {
	path, ok := strings.CutPrefix(path, "sys/")
	if !ok {
		return false
	}
	if r.Method != http.MethodGet {
		respondError(w, http.StatusMethodNotAllowed, errors.New("unsupported operation"))
		return true
	}
	const preflight = "internal/ui/mounts"
	switch {
	case path == "mounts":
		respondJSON(w, http.StatusOK, logical.HTTPSysInjector{
			Response: &logical.HTTPResponse{Data: e.mountList(), MountType: "system"},
		})
	case strings.HasPrefix(path, "mounts/"):
		e.serveMountConfig(w, strings.TrimPrefix(path, "mounts/"))
	case path == preflight:
		respondData(w, map[string]any{"secret": e.mountList(), "auth": map[string]any{}})
	case strings.HasPrefix(path, preflight+"/"):
		e.servePreflight(w, strings.TrimPrefix(path, preflight+"/"))
	default:
		respondError(w, http.StatusNotFound, errors.New("unsupported path"))
	}
	return true
}

func (e *Engine) serveMountConfig(w http.ResponseWriter, path string) {
	path = strings.Trim(path, "/") + "/"
	m := e.mountTable().find(path)
	if m == nil || m.path != path {
		respondError(w, http.StatusBadRequest, fmt.Errorf("no secret engine mount at %s", path))
		return
	}
	respondData(w, m.info())
}

// servePreflight tells which mount owns a path, as `vault kv` asks before it builds a URL.
func (e *Engine) servePreflight(w http.ResponseWriter, path string) {
	m := e.mountTable().find(path)
	if m == nil {
		respondError(w, http.StatusForbidden, fmt.Errorf(
			"preflight capability check returned 403, please ensure client's policies grant access to path %q", path))
		return
	}
	info := m.info()
	info["path"] = m.path
	respondData(w, info)
}

func (e *Engine) mountList() map[string]any {
	list := map[string]any{}
	for _, m := range e.mountTable() {
		list[m.path] = m.info()
	}
	return list
}

func (m *mount) info() map[string]any {
	return map[string]any{
		"type": "kv", "description": "", "accessor": m.accessor, "uuid": m.uuid, "local": false, "seal_wrap": false,
		"external_entropy_access": false, "options": map[string]string{"version": "2"},
		"plugin_version": "", "running_plugin_version": "v0.25.0+builtin", "running_sha256": "",
		"config": map[string]any{"default_lease_ttl": 0, "max_lease_ttl": 0, "force_no_cache": false},
	}
}
