// A MongoDB server for tests: FerretDB, which keeps its data in SQLite.
// It listens on a unix socket, and ends when its standard input does. In a container it takes user and password as the
// image of MongoDB does, listens on TCP as well, and ends when it is told to.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	socket := flag.String("socket", "", "`file` to listen on")
	data := flag.String("data", "", "SQLite `URI` of an existing folder, ending in a slash")
	tcp := flag.String("tcp", "", "`address` to listen on for clients that have a password")
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
	ctx, end := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	if *tcp != "" {
		go serveWithPassword(*tcp, *socket)
	} else {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			end()
		}()
	}
	if err := server.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

func serveWithPassword(address, socket string) {
	password, err := os.ReadFile(os.Getenv("MONGO_INITDB_ROOT_PASSWORD_FILE"))
	if err != nil {
		log.Fatal(err)
	}
	user := os.Getenv("MONGO_INITDB_ROOT_USERNAME")
	authentication, err := newAuthentication(user, string(password), socket)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(authentication.serve(address))
}
