// A MongoDB server for tests: FerretDB, which keeps its data in SQLite.
// It listens on a unix socket, and ends when its standard input does.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"log/slog"
	"os"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	socket := flag.String("socket", "", "`file` to listen on")
	data := flag.String("data", "", "SQLite `URI` of an existing folder, ending in a slash")
	flag.Parse()
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{Unix: *socket},
		Logger:    slog.New(slog.NewTextHandler(io.Discard, nil)),
		Handler:   "sqlite",
		SQLiteURL: *data,
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	if err := server.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
