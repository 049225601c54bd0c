package standin

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
)

const (
	maxListResults  = 100
	maxBatchResults = 20
)

type listSecretsIn struct {
	Filters                []filter
	IncludePlannedDeletion bool
	MaxResults             *int
	NextToken              string
	SortBy                 string
	SortOrder              string
}

type listSecretsOut struct {
	SecretList []secretEntry
	NextToken  string `json:",omitempty"`
}

// secretEntry is what a listing shows of a secret.
type secretEntry struct {
	ARN                    string
	Name                   string
	Description            string              `json:",omitempty"`
	KmsKeyID               string              `json:"KmsKeyId,omitempty"`
	CreatedDate            epoch               `json:",omitzero"`
	LastChangedDate        epoch               `json:",omitzero"`
	LastAccessedDate       epoch               `json:",omitzero"`
	DeletedDate            epoch               `json:",omitzero"`
	Tags                   []tag               `json:",omitempty"`
	SecretVersionsToStages map[string][]string `json:",omitempty"`
	PrimaryRegion          string              `json:",omitempty"`
}

func listSecrets(_ *Server, c *call, in *listSecretsIn) (*listSecretsOut, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	limit := maxListResults
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	query := pageQuery(in.Filters, in.SortOrder, in.IncludePlannedDeletion)
	from, err := readPageToken(in.NextToken, query)
	if err != nil {
		return nil, err
	}
	found, next := c.region.secrets.list.page(c.now, from, in.SortOrder != "asc", limit, func(s *secret) bool {
		return (in.IncludePlannedDeletion || !s.deleted()) && matchFilters(s, in.Filters)
	})
	out := &listSecretsOut{SecretList: make([]secretEntry, 0, len(found)), NextToken: pageToken(next, query)}
	for _, s := range found {
		out.SecretList = append(out.SecretList, entryOf(s))
	}
	return out, nil
}

func (in *listSecretsIn) check() error {
	switch {
	case in.SortOrder != "" && in.SortOrder != "asc" && in.SortOrder != "desc":
		return invalid("sortOrder", "satisfy enum value set: [asc, desc]")
	case in.SortBy != "" && in.SortBy != "created-date":
		return refuse("ValidationException", "the stand-in sorts by created-date only")
	}
	if err := checkRange("maxResults", in.MaxResults, 1, maxListResults); err != nil {
		return err
	}
	return checkFilters(in.Filters)
}

func entryOf(s *secret) secretEntry {
	e := secretEntry{
		ARN: s.ARN, Name: s.Name, Description: s.Description, KmsKeyID: s.KMSKeyID,
		CreatedDate: epoch(s.Created), LastChangedDate: epoch(s.Changed),
		LastAccessedDate: epoch(s.Accessed), DeletedDate: epoch(s.DeletedAt),
		Tags: s.Tags, SecretVersionsToStages: s.stagesByVersion(),
	}
	if len(s.Replicas) > 0 {
		e.PrimaryRegion = arnRegion(s.ARN)
	}
	return e
}

// pageQuery identifies what a listing asks for: a page token is good only for the query that it came from.
func pageQuery(parts ...any) uint64 {
	encoded, _ := json.Marshal(parts)
	h := fnv.New64a()
	_, _ = h.Write(encoded)
	return h.Sum64()
}

type pageMark struct {
	From  uint64
	Query uint64
}

// pageToken is the opaque mark of the page after from; empty when from is 0, which no secret has.
func pageToken(from, query uint64) string {
	if from == 0 {
		return ""
	}
	mark, _ := json.Marshal(pageMark{from, query})
	return base64.StdEncoding.EncodeToString(mark)
}

func readPageToken(token string, query uint64) (uint64, error) {
	if token == "" {
		return 0, nil
	}
	var mark pageMark
	encoded, err := base64.StdEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(encoded, &mark) != nil || mark.From == 0 || mark.Query != query {
		return 0, badPageToken()
	}
	return mark.From, nil
}

func badPageToken() *apiError {
	return refuse("InvalidNextTokenException", "The NextToken value is invalid.")
}
