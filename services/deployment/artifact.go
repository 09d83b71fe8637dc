package deployment

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"axion/services/contract"
)

// maxArtifacts bounds the successful deployments of a project whose files are stored for
// a rollback.
const maxArtifacts = 10

// compressors are reused: one allocates 800 KB, far more than most artifacts have.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// packArtifact encodes an artifact as it is stored.
func packArtifact(code contract.GenerateCodeReply) ([]byte, error) {
	w := compressors.Get().(*gzip.Writer)
	defer compressors.Put(w)
	var content bytes.Buffer
	w.Reset(&content)
	if err := errors.Join(json.NewEncoder(w).Encode(code), w.Close()); err != nil {
		return nil, fmt.Errorf("save artifact: %w", err)
	}
	return content.Bytes(), nil
}

// unpackArtifact decodes what packArtifact has encoded.
func unpackArtifact(content []byte) (code contract.GenerateCodeReply, err error) {
	text, err := gzip.NewReader(bytes.NewReader(content))
	if err == nil {
		err = json.NewDecoder(text).Decode(&code)
	}
	return code, err
}

// saveArtifact stores the artifact of a deployment, in place of one that is there.
func saveArtifact(ctx context.Context, tx *sql.Tx, d state, content []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO artifacts (deployment_id, project_id, content) VALUES ($1, $2, $3)
		ON CONFLICT (deployment_id) DO UPDATE SET content = excluded.content`, d.id, d.projectID, content)
	if err != nil {
		return fmt.Errorf("save artifact: %w", err)
	}
	return nil
}

// copyArtifact stores one deployment's artifact for another too.
func copyArtifact(ctx context.Context, tx *sql.Tx, from, to string) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO artifacts (deployment_id, project_id, content)
		SELECT $1, project_id, content FROM artifacts WHERE deployment_id = $2`, to, from)
	if err != nil {
		return fmt.Errorf("copy artifact: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return errNoArtifact()
	}
	return err
}

// pruneArtifacts deletes those of a project that no rollback can reach.
func pruneArtifacts(ctx context.Context, tx *sql.Tx, projectID string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM artifacts WHERE project_id = $1 AND deployment_id NOT IN (
		SELECT id FROM deployments WHERE project_id = $1 AND status IN ('PENDING', 'STARTED')) AND deployment_id NOT IN (
		SELECT id FROM deployments WHERE project_id = $1 AND status = 'SUCCEEDED' ORDER BY queued DESC LIMIT $2)`, projectID, maxArtifacts)
	if err != nil {
		return fmt.Errorf("prune artifacts: %w", err)
	}
	return nil
}
