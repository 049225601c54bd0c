package standin

import (
	"crypto/rand"
)

const (
	symmetric    = "SYMMETRIC_DEFAULT"
	maxPlaintext = 4096
	maxBlob      = 6144
	maxDataKey   = 1024
	// maxContext bounds an encryption context's keys and values together.
	maxContext = 8192
)

func checkContext(context map[string]string) error {
	size := 0
	for key, value := range context {
		size += len(key) + len(value)
	}
	return checkLength("encryptionContext", size, 0, maxContext)
}

// usableKey resolves a key that cryptography is asked of.
func (c *call) usableKey(id string) (key, error) {
	k, err := c.region.keys.get(id, c.now)
	if err != nil {
		return key{}, err
	}
	return k, c.region.keys.checkUsable(k)
}

type encryptIn struct {
	KeyID             string `json:"KeyId"`
	Plaintext         []byte
	EncryptionContext map[string]string
}

type encryptOut struct {
	CiphertextBlob      []byte
	KeyID               string `json:"KeyId"`
	EncryptionAlgorithm string
}

func encrypt(_ *Server, c *call, in *encryptIn) (*encryptOut, error) {
	if err := checkLength("plaintext", len(in.Plaintext), 1, maxPlaintext); err != nil {
		return nil, err
	}
	if err := checkContext(in.EncryptionContext); err != nil {
		return nil, err
	}
	k, err := c.usableKey(in.KeyID)
	if err != nil {
		return nil, err
	}
	sealed, _ := k.material.seal(k.ID, in.Plaintext, in.EncryptionContext, c.now)
	return &encryptOut{sealed, c.region.keys.keyARN(k.ID), symmetric}, nil
}

type decryptIn struct {
	CiphertextBlob    []byte
	KeyID             string `json:"KeyId"`
	EncryptionContext map[string]string
}

type decryptOut struct {
	Plaintext           []byte
	KeyID               string `json:"KeyId"`
	EncryptionAlgorithm string
	KeyMaterialID       string `json:"KeyMaterialId"`
}

func decrypt(_ *Server, c *call, in *decryptIn) (*decryptOut, error) {
	opened, err := c.openBlob(in.CiphertextBlob, in.KeyID, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &decryptOut{opened.plaintext, opened.keyARN, symmetric, opened.materialID}, nil
}

type openedBlob struct {
	plaintext  []byte
	keyARN     string
	materialID string
}

// openBlob decrypts with the key that the blob names, which must be the one that the caller names, if any.
func (c *call) openBlob(ciphertext []byte, keyID string, context map[string]string) (openedBlob, error) {
	if err := checkLength("ciphertextBlob", len(ciphertext), 1, maxBlob); err != nil {
		return openedBlob{}, err
	}
	parsed, err := parseBlob(ciphertext)
	if err != nil {
		return openedBlob{}, invalidCiphertext()
	}
	if err := c.checkSameKey(keyID, parsed.keyID); err != nil {
		return openedBlob{}, err
	}
	k, err := c.region.keys.get(parsed.keyID, c.now)
	if err != nil {
		return openedBlob{}, refuse("AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
	}
	if err := c.region.keys.checkUsable(k); err != nil {
		return openedBlob{}, err
	}
	plaintext, err := k.material.open(parsed, context)
	if err != nil {
		return openedBlob{}, invalidCiphertext()
	}
	return openedBlob{plaintext, c.region.keys.keyARN(k.ID), parsed.materialID}, nil
}

// checkSameKey refuses a caller's key that exists but is not the one that the ciphertext was made with.
func (c *call) checkSameKey(named, sealedWith string) error {
	if named == "" {
		return nil
	}
	k, err := c.region.keys.get(named, c.now)
	if err != nil {
		return err
	}
	if k.ID != sealedWith {
		return refuse("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
	}
	return nil
}

func invalidCiphertext() *apiError { return refuse("InvalidCiphertextException", "") }

type reEncryptIn struct {
	CiphertextBlob               []byte
	SourceKeyID                  string `json:"SourceKeyId"`
	SourceEncryptionContext      map[string]string
	DestinationKeyID             string `json:"DestinationKeyId"`
	DestinationEncryptionContext map[string]string
}

type reEncryptOut struct {
	CiphertextBlob                 []byte
	SourceKeyID                    string `json:"SourceKeyId"`
	KeyID                          string `json:"KeyId"`
	SourceEncryptionAlgorithm      string
	DestinationEncryptionAlgorithm string
	SourceKeyMaterialID            string `json:"SourceKeyMaterialId"`
	DestinationKeyMaterialID       string `json:"DestinationKeyMaterialId"`
}

func reEncrypt(_ *Server, c *call, in *reEncryptIn) (*reEncryptOut, error) {
	if err := checkContext(in.DestinationEncryptionContext); err != nil {
		return nil, err
	}
	opened, err := c.openBlob(in.CiphertextBlob, in.SourceKeyID, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	k, err := c.usableKey(in.DestinationKeyID)
	if err != nil {
		return nil, err
	}
	sealed, materialID := k.material.seal(k.ID, opened.plaintext, in.DestinationEncryptionContext, c.now)
	return &reEncryptOut{
		CiphertextBlob: sealed, SourceKeyID: opened.keyARN, KeyID: c.region.keys.keyARN(k.ID),
		SourceEncryptionAlgorithm: symmetric, DestinationEncryptionAlgorithm: symmetric,
		SourceKeyMaterialID: opened.materialID, DestinationKeyMaterialID: materialID,
	}, nil
}

type dataKeyIn struct {
	KeyID             string `json:"KeyId"`
	KeySpec           string
	NumberOfBytes     *int
	EncryptionContext map[string]string
}

type dataKeyOut struct {
	Plaintext      []byte `json:",omitempty"`
	CiphertextBlob []byte
	KeyID          string `json:"KeyId"`
	KeyMaterialID  string `json:"KeyMaterialId"`
}

func generateDataKey(_ *Server, c *call, in *dataKeyIn) (*dataKeyOut, error) {
	size, err := in.size()
	if err != nil {
		return nil, err
	}
	if err := checkContext(in.EncryptionContext); err != nil {
		return nil, err
	}
	k, err := c.usableKey(in.KeyID)
	if err != nil {
		return nil, err
	}
	plaintext := make([]byte, size)
	_, _ = rand.Read(plaintext)
	sealed, materialID := k.material.seal(k.ID, plaintext, in.EncryptionContext, c.now)
	return &dataKeyOut{plaintext, sealed, c.region.keys.keyARN(k.ID), materialID}, nil
}

func generateDataKeyWithoutPlaintext(s *Server, c *call, in *dataKeyIn) (*dataKeyOut, error) {
	out, err := generateDataKey(s, c, in)
	if err != nil {
		return nil, err
	}
	out.Plaintext = nil
	return out, nil
}

// size is the data key's length in bytes, said either as a spec or as a number.
func (in *dataKeyIn) size() (int, error) {
	if (in.KeySpec == "") == (in.NumberOfBytes == nil) {
		return 0, refuse("ValidationException", "Please specify either number of bytes or key spec.")
	}
	switch in.KeySpec {
	case "":
		return *in.NumberOfBytes, checkRange("numberOfBytes", in.NumberOfBytes, 1, maxDataKey)
	case "AES_256":
		return 32, nil
	case "AES_128":
		return 16, nil
	}
	return 0, invalid("keySpec", "satisfy enum value set: [AES_256, AES_128]")
}
