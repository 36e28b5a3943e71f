/* Lua's tokens, from text that may be unfinished or wrong: for colours, brackets, indentation. */
#ifndef LUNETTE_LEXER_H
#define LUNETTE_LEXER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
  TOKEN_END,
  TOKEN_NAME,
  TOKEN_KEYWORD,
  TOKEN_NUMBER,
  TOKEN_STRING,
  TOKEN_COMMENT,
  TOKEN_SYMBOL, /* an operator or a bracket, as long as Lua has them */
  TOKEN_WRONG   /* a byte that starts no token */
} TokenKind;

typedef struct {
  TokenKind kind;
  size_t from, to; /* bytes from..to-1 */
  bool open; /* a string or comment that the text ends in, or a short string cut by a line end */
} Token;

typedef struct {
  const char *text;
  size_t size, at;
} Lexer;

static inline Lexer lexer_start(const char *text, size_t size) { return (Lexer){text, size, 0}; }

/* The next token, without the blanks before it; TOKEN_END at the end, again and again. */
Token lexer_next(Lexer *lexer);

/* Are the bytes of the token these? */
bool lexer_is(const Lexer *lexer, Token token, const char *word);

/* How many blocks and brackets the token opens (1), closes (-1), or neither. `else` and `elseif`
   close one and open one; `middle` tells. */
int lexer_nesting(const Lexer *lexer, Token token, bool *middle);

#endif
