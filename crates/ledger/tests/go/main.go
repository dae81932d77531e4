// Verifies what the ledger makes with the packages that Go verifies its own checksum database with. Reads JSON on standard
// input; says what is wrong on standard error and exits with 1.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Hashes are base64 text, as tlog.Hash reads them.
type input struct {
	// The signed checkpoint and the key that signed it.
	Checkpoint  string
	Vkey        string
	Inclusion   []inclusion
	Consistency []consistency
}

// A leaf of the checkpoint's tree.
type inclusion struct {
	Index int64
	Leaf  tlog.Hash
	Proof tlog.RecordProof
}

// An older tree, which the checkpoint's begins with.
type consistency struct {
	Size  int64
	Root  tlog.Hash
	Proof tlog.TreeProof
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var in input
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return err
	}
	verifier, err := note.NewVerifier(in.Vkey)
	if err != nil {
		return err
	}
	signed, err := note.Open([]byte(in.Checkpoint), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	size, root, err := head(signed.Text, verifier.Name())
	if err != nil {
		return err
	}
	for _, p := range in.Inclusion {
		if err := tlog.CheckRecord(p.Proof, size, root, p.Index, p.Leaf); err != nil {
			return fmt.Errorf("inclusion of leaf %d: %w", p.Index, err)
		}
	}
	for _, p := range in.Consistency {
		if err := tlog.CheckTree(p.Proof, size, root, p.Size, p.Root); err != nil {
			return fmt.Errorf("consistency from %d: %w", p.Size, err)
		}
	}
	fmt.Printf("verified %d leaves and %d older trees\n", len(in.Inclusion), len(in.Consistency))
	return nil
}

// head reads the checkpoint, whose origin is not the one that tlog.ParseTree wants.
func head(text, origin string) (int64, tlog.Hash, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] != origin {
		return 0, tlog.Hash{}, errors.New("not a checkpoint of the key's origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return size, root, err
}
