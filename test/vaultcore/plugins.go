package main

import "github.com/hashicorp/vault/sdk/helper/consts"

// noPlugins is an empty registry: the engines and auth methods are handed to the core as factories, and Vault's own
// registry would link every one that exists.
type noPlugins struct{}

func (noPlugins) Contains(string, consts.PluginType) bool { return false }

func (noPlugins) Get(string, consts.PluginType) (func() (any, error), bool) { return nil, false }

func (noPlugins) Keys(consts.PluginType) []string { return nil }

func (noPlugins) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Unknown, false
}

func (noPlugins) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
