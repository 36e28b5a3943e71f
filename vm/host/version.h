/* The version that the banner, -v and --version show. */
#ifndef LUNETTE_VERSION_H
#define LUNETTE_VERSION_H

#define LUNETTE_VERSION "0.1"

#endif
