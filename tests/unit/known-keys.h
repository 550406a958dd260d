/*
 * Keys that GnuPG 2.2.40 made, with what GnuPG, OpenSSL and ssh-keygen call
 * them.  All were created at 1704164645.
 */
#ifndef TESTS_KNOWN_KEYS_H
#define TESTS_KNOWN_KEYS_H

#include "format/pubkey.h"

#define KNOWN_CREATED 1704164645

struct known_key {
	enum key_algorithm algorithm;
	const char *exponent;	/* all in hex */
	const char *public;
	const char *id;		/* SHA-256 of OpenSSL's SPKI */
	const char *fpr;
	const char *ssh;	/* of ssh-keygen -l */
	const char *packet;	/* the first of gpg --export */
};

static const struct known_key known_keys[] = {
	{
	    ALGO_RSA2048, "010001",
	    "daaa16248be0f445f6110be1b07f1bedece075977e11bd8044e9ffb7e7c9"
	    "75c7289509f9cf6af410e30d0e5c33a25b87b25d5cf27161f62be54abbf7"
	    "3da9c581595aa183771bf37108540a301b3ef8e31dd4c60c9eaf6a297c53"
	    "46aeb992ae627258249eda702200c9c9165cd43686231e2d159c83704557"
	    "a1ed0fc00df8a6020534f42ba913f68e1088b40d9777dbbf1e22a59e554f"
	    "1346709d6b6b61093da686cf1844e9f322a6822c2d9c1b6f39e90c0445a1"
	    "2974ccd8d111ec6d39df2198e28a39f83d5df173c51e207d8c8733c5d732"
	    "0db12956d435a8e80e2cbc359b7b35322f489d59f467da95d6650f3eb545"
	    "231c750c354cd0492e517245e49d1121",
	    "49a33e76e6a7e9f4fdaa617f2560589395f9bc0b3123df5576aad2acffac"
	    "0ac1",
	    "ead39734b35974c5ab5dd19a1d34a96b5f27a1ad",
	    "SHA256:hd+yPiXkHXEKwQKJdAfc9IvGkUXhppjXNEW43myCZVg",
	    "99010d0465937d25010800daaa16248be0f445f6110be1b07f1bedece075"
	    "977e11bd8044e9ffb7e7c975c7289509f9cf6af410e30d0e5c33a25b87b2"
	    "5d5cf27161f62be54abbf73da9c581595aa183771bf37108540a301b3ef8"
	    "e31dd4c60c9eaf6a297c5346aeb992ae627258249eda702200c9c9165cd4"
	    "3686231e2d159c83704557a1ed0fc00df8a6020534f42ba913f68e1088b4"
	    "0d9777dbbf1e22a59e554f1346709d6b6b61093da686cf1844e9f322a682"
	    "2c2d9c1b6f39e90c0445a12974ccd8d111ec6d39df2198e28a39f83d5df1"
	    "73c51e207d8c8733c5d7320db12956d435a8e80e2cbc359b7b35322f489d"
	    "59f467da95d6650f3eb545231c750c354cd0492e517245e49d1121001101"
	    "0001"
	},
	{
	    ALGO_P256, "",
	    "0408aa7646846f80c48afb4f2c0d65502c433cb23e9f072c7bd06895960f"
	    "7d2ca91a547cb4f267e515d97a79e5e5705b0f6e240cf8bf07658abec9f3"
	    "2fb6d40ccc",
	    "caafcd06ad537673e37c31dc260fcba175afe50a9b71cb502f42ef9cdb00"
	    "3d61",
	    "fea03b314da9983d86ddcb8c7996d3e0fe88d8ea",
	    "SHA256:pPQNNLtj7NkQLhPmltMP0OM+NLXLMTIrvsVXkJzpN6k",
	    "98520465937d2513082a8648ce3d03010702030408aa7646846f80c48afb"
	    "4f2c0d65502c433cb23e9f072c7bd06895960f7d2ca91a547cb4f267e515"
	    "d97a79e5e5705b0f6e240cf8bf07658abec9f32fb6d40ccc"
	},
	{
	    ALGO_P384, "",
	    "0455f511d8c7567a6d20284f92ba026a21f03d85a004aa53000fefc54483"
	    "b3b18f85bbd18b728fd3f5c4a5cc2d48e859d2143e2ca916663c7d2274cf"
	    "c7a284890e2b9594bd4b813abfed70c71378266cd069ef4fedd4fb9cce06"
	    "629cf9308cbeb7",
	    "6efb0a6a72c71fef173cb9e5e57dda6f7a02279828d307c1059e249723da"
	    "575d",
	    "82c84b8dd769782dd198e97ba4407db1d17d196f",
	    "SHA256:zLShU/yK7Rk74xTlcRUCw7xS75aqPpve3vKGyqmElJU",
	    "986f0465937d2513052b8104002203030455f511d8c7567a6d20284f92ba"
	    "026a21f03d85a004aa53000fefc54483b3b18f85bbd18b728fd3f5c4a5cc"
	    "2d48e859d2143e2ca916663c7d2274cfc7a284890e2b9594bd4b813abfed"
	    "70c71378266cd069ef4fedd4fb9cce06629cf9308cbeb7"
	},
	{
	    ALGO_ED25519, "",
	    "44cd4055f949cb9127948fa337b0ce4c1bac36cea11054477b6d1af63dd8"
	    "cbf7",
	    "e5c3131ba11c96d6f4394f052951b287bde91f23a39c5a14405d6f74d17b"
	    "4ead",
	    "77cc08596e9d3de0b401410487377ab59256d339",
	    "SHA256:OP8pYSylRitpK08695NW1ivm+Cwd9W5i+OcNgJy6GEc",
	    "98330465937d2516092b06010401da470f0101074044cd4055f949cb9127"
	    "948fa337b0ce4c1bac36cea11054477b6d1af63dd8cbf7"
	},
};

#define KNOWN_KEYS (sizeof(known_keys) / sizeof(known_keys[0]))

#endif
