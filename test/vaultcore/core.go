package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	jwt "github.com/hashicorp/vault-plugin-auth-jwt"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/physical/raft"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/vault"
	"github.com/hashicorp/vault/vault/cluster"
)

const (
	activeTimeout = 30 * time.Second

	// nodePort is part of the raft node's name. Nothing listens there: the network between nodes is in memory.
	nodePort = 8201
)

// core is an unsealed Vault with the keys that opened it.
type core struct {
	*vault.Core
	keys    keys
	storage physical.Backend
}

// openCore starts Vault on its storage, initialises it the first time, and unseals it; it is active when this returns.
func openCore(ctx context.Context, o options, url string, stderr io.Writer) (*core, error) {
	logger := hclog.New(&hclog.LoggerOptions{Name: "vault", Output: stderr, Level: hclog.LevelFromString(o.logLevel)})
	storage, err := openStorage(o.storage, o.dir, logger.Named("storage"))
	if err != nil {
		return nil, err
	}
	inner, err := vault.NewCore(coreConfig(o, url, storage, logger))
	if err != nil {
		return nil, errors.Join(err, closeStorage(storage))
	}
	inner.SetClusterListenerAddrs([]*net.TCPAddr{nodeAddr()})
	c := &core{Core: inner, storage: storage}
	if err := c.open(ctx, o.dir); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func coreConfig(o options, url string, storage physical.Backend, logger hclog.Logger) *vault.CoreConfig {
	config := &vault.CoreConfig{
		Physical:        storage,
		StorageType:     o.storage,
		Logger:          logger,
		LogLevel:        o.logLevel,
		DisableMlock:    true,
		RedirectAddr:    url,
		ClusterName:     "vaultcore",
		BuiltinRegistry: noPlugins{},
		LogicalBackends: map[string]logical.Factory{"kv": kv.Factory},
		CredentialBackends: map[string]logical.Factory{
			"approle": approle.Factory, "jwt": jwt.Factory, "kubernetes": kubernetes.Factory,
		},
	}
	// There is no other node: what nodes say to each other stays in memory and takes no port.
	config.ClusterNetworkLayer = cluster.NewInmemLayer(nodeAddr().String(), logger.Named("cluster"))
	if ha, ok := storage.(physical.HABackend); ok {
		config.HAPhysical = ha
		config.ClusterAddr = "https://" + nodeAddr().String()
	}
	return config
}

func nodeAddr() *net.TCPAddr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: nodePort}
}

func (c *core) open(ctx context.Context, dir string) error {
	initialised, err := c.Initialized(ctx)
	if err != nil {
		return err
	}
	if initialised {
		c.keys, err = loadKeys(dir)
	} else {
		err = c.initialise(ctx, dir)
	}
	if err != nil {
		return err
	}
	unsealed, err := c.Unseal(c.keys.UnsealKey)
	if err != nil {
		return fmt.Errorf("unseal: %w", err)
	}
	if !unsealed {
		return errors.New("unseal: the key did not open it")
	}
	return c.waitActive(ctx)
}

func (c *core) initialise(ctx context.Context, dir string) error {
	result, err := c.Initialize(ctx, &vault.InitParams{
		BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
	})
	if err != nil {
		return fmt.Errorf("initialise: %w", err)
	}
	c.keys = keys{UnsealKey: result.SecretShares[0], RootToken: result.RootToken}
	return c.keys.save(dir)
}

// waitActive returns when this node leads: until then it refuses calls.
func (c *core) waitActive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, activeTimeout)
	defer cancel()
	for {
		if standby, err := c.Standby(); err != nil || !standby {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not active: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (c *core) handler() http.Handler {
	return vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: c.Core})
}

// close seals the Vault and lets its storage go, so that it can be opened again.
func (c *core) close() error {
	return errors.Join(c.ShutdownWait(), closeStorage(c.storage))
}

func closeStorage(storage physical.Backend) error {
	if backend, ok := storage.(*raft.RaftBackend); ok {
		return backend.Close()
	}
	return nil
}
