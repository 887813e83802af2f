/*
 * The refresh protocol of refresh.md as a model that spin walks through completely: every interleaving of three clients of one
 * session, a thief with a copied token, answers that are lost, an overlap that ends, and a revocation in flight.
 *
 * It is a model of `judge` (auth/tokens/rotation.ts), of what auth/refresh/refresh.ts does with a verdict, and of the verbs of
 * storage/contracts/sessions.ts; each `d_step` or `atomic` is one verb, and between two of them anybody else may act.
 *
 * Choices, by -D (refresh-protocol.ts names them):
 *   ATTEMPTS  NONE    no attempt ids
 *             RACING  tabs that start at one moment each draw one, the last write stays in their storage; who comes later uses that
 *             SHARED  the storage hands all of them one and the same
 *   CLIENTS (2, 3), REVOCATIONS (0, 1)      how many
 *   TRIES, THIEF_TRIES, ROTATIONS           how often each client asks, how often the thief; after how many rotations nobody asks any more
 *   SABOTAGE_… one thing broken: spin has to find an assertion violated
 *
 * What is assumed of the world, and why it holds there:
 *   A1  a request is answered or given up before the overlap of a rotation that overtook it is over (time-out < overlap).
 *       Not assumed with SHARED ids: they prove the holder however late it comes.
 *   A2  without attempt ids, somebody hears of a successor inside the overlap: that is what refresh.md promises then, and no more.
 *   A3  nobody refreshes a generation while a request of the one before is under way (a request is shorter than the life of an
 *       access token; the SDK's lock sees to it). -DSABOTAGE_IMPATIENT drops it.
 */
#define NONE 0
#define RACING 1
#define SHARED 2
#ifndef ATTEMPTS
#define ATTEMPTS SHARED
#endif
#ifndef CLIENTS
#define CLIENTS 3
#endif
#ifndef TRIES
#define TRIES 1
#endif
#ifndef THIEF_TRIES
#define THIEF_TRIES 1
#endif
#ifndef REVOCATIONS
#define REVOCATIONS 1
#endif
#ifndef ROTATIONS
#define ROTATIONS 3
#endif

/* ---- The row (Session): generation, salt, epoch, attempt ids kept for the rotation that led to its generation. ---- */
bool exists, ended;
byte gen, salt, rowEpoch;
/* storeNowMs < rotatedAtMs + overlapMs */
bool overlap;
/*
 * An attempt id is named for who drew it, 1 to 3; 4 is the one that all share; 0 is none. That it is "new for each generation"
 * needs no number: ids are only compared where the token is one behind the row, so both belong to one generation.
 */
byte winner;
bool loser[5];

/* ---- The user row: session_epoch and access_epoch, which every revocation raises together. ---- */
byte userEpoch;
byte loginEpoch;

/* ---- What the clients of the session keep where all of them see it. ---- */
byte held, kept;

/* ---- The world: requests under way (A3: all of one generation), and the lookout that asks the questions. ---- */
byte underWay, underWayGen;
bool revoking, returned, thiefCalled, wonByThief;
/* Generations below this one were followed by a rotation whose overlap is over. */
byte late;

#ifdef SABOTAGE_ENDLESS_OVERLAP
#define INSIDE true
#else
#define INSIDE overlap
#endif
#ifdef SABOTAGE_NO_LOSERS
#define KEEPS_LOSERS false
#else
#define KEEPS_LOSERS true
#endif
#define KNOWN(a) (a != 0 && (winner == a || loser[a]))
/* A session that was ended on purpose before the request was sent. Whoever logged in after the epochs rose has a new one. */
#define REVOKED (returned && loginEpoch == 0)

mtype = { rotate, follow, reuse, refuse, granted };

/* findSession, then judge(): the table of rotation.ts, in its order. Also what a verb that lost gives back, judged again. */
inline look() {
  seenGen = gen; seenEpoch = rowEpoch; inside = INSIDE;
  if
  :: !exists || tokenSalt != salt       -> verdict = refuse   /* not genuine: refresh_invalid */
  :: else -> if
    :: ended                            -> verdict = refuse   /* refuseEnded */
    :: !ended && token == gen           -> verdict = rotate   /* judgeCurrent */
    :: !ended && token + 1 == gen && (INSIDE || KNOWN(attempt)) -> verdict = follow  /* judgePredecessor */
    :: !ended && token + 1 == gen && !(INSIDE || KNOWN(attempt)) -> verdict = reuse
    :: !ended && token + 1 < gen        -> verdict = reuse    /* behind > 1 */
    fi
  fi
}

/* rotateSession: one conditional update on (session, generation, alive). Who loses derives the same successor. */
inline rotateVerb(byThief) {
  if
#ifdef SABOTAGE_BLIND_ROTATION
  :: !ended ->
#else
  :: !ended && gen == seenGen ->
#endif
    gen++; answer = gen; seenEpoch = rowEpoch; verdict = granted;
    overlap = true; winner = attempt; loser[1] = false; loser[2] = false; loser[3] = false; loser[4] = false;
    wonByThief = byThief
  :: else -> look()
  fi
}

/* recordLoserAttempt: while the generation stands and the overlap runs. */
inline recordLoserVerb() {
  if
  :: KEEPS_LOSERS && !ended && gen == seenGen && overlap && attempt != 0 -> loser[attempt] = true
  :: else
  fi
}

/* endReusedSession: the verdict is taken once more inside the store. */
inline endReusedVerb() {
  if
  :: !ended && (gen > token + 1 || (gen == token + 1 && !INSIDE)) ->
#ifndef SABOTAGE_REUSE_ENDS_NOTHING
    ended = true;
#endif
    verdict = refuse
  :: else -> look()
  fi
}

/* refresh(): `verdict` is `granted` with `answer`, or `refuse`. */
inline refresh(byThief) {
  d_step { sentLate = (token < late); sentRevoked = REVOKED; look() }
  do
  :: d_step { verdict == rotate -> rotateVerb(byThief) }
  :: d_step { verdict == reuse -> endReusedVerb() }
  :: d_step { verdict == follow -> if :: inside -> recordLoserVerb() :: else fi; answer = seenGen; verdict = granted }
  :: atomic { verdict == granted || verdict == refuse -> break }
  od;
  /* finish(): account state is read after the rotation; the access token carries the epoch that was read. */
  atomic {
    if
#ifndef SABOTAGE_EPOCH_NOT_READ
    :: verdict == granted && userEpoch != seenEpoch -> verdict = refuse
#endif
    :: else
    fi;
    if
    :: verdict == granted ->
      /* Nothing forks: one token has one successor, and it is of the one live generation. */
      assert(answer == token + 1 && answer <= gen);
      /* After a 200 to a revocation no refresh succeeds … */
      assert(!sentRevoked);
      /* … and nobody is given an access token that outlives it: after a change of the password only its caller's is new. */
      assert(userEpoch == loginEpoch)
    :: else
    fi
  }
}

/* What a process has forgotten makes no states. */
inline forget() { token = 0; tokenSalt = 0; attempt = 0; seenGen = 0; seenEpoch = 0; answer = 0; inside = false; sentLate = false; sentRevoked = false; verdict = 0 }

proctype client(byte me) {
  byte token, tokenSalt, attempt, seenGen, seenEpoch, answer, tries;
  bool inside, sentLate, sentRevoked;
  mtype verdict;
  do
  :: atomic {
      (exists && tries < TRIES && gen < ROTATIONS
#ifndef SABOTAGE_IMPATIENT
      && (underWay == 0 || underWayGen == held)                                     /* A3 */
#endif
      ) -> tries++; underWay++; underWayGen = held; token = held;
      attempt = (ATTEMPTS == SHARED -> 4 : kept)
    }
#if ATTEMPTS == RACING
    /* The id is stored where all tabs see it before the call. */
    if :: atomic { attempt == 0 -> attempt = me; kept = me } :: atomic { attempt != 0 } fi;
#endif
    refresh(false);
    atomic {
      /* No false logout: what a client hears without a thief and without a revocation is its successor. */
      assert(verdict == granted || thiefCalled || revoking);
      if
      :: verdict == granted -> held = answer; kept = 0                              /* the answer arrives */
      :: true                                                                       /* it is lost, or a refusal */
      fi;
      underWay--; underWayGen = (underWay > 0 -> underWayGen : 0); forget()
    }
  :: atomic { tries == TRIES || gen >= ROTATIONS -> break }
  od
}

/* Copies what the clients hold, once and at any time; it has no attempt id and no patience. */
proctype thief() {
  byte token, tokenSalt, attempt, seenGen, seenEpoch, answer, tries;
  bool inside, sentLate, sentRevoked;
  mtype verdict;
  byte stolen;
  atomic { exists -> stolen = held };
  do
  :: atomic { tries < THIEF_TRIES && gen < ROTATIONS -> tries++; token = stolen; thiefCalled = true };
    refresh(true);
    atomic {
      /* Its life: once a rotation has gone past its token and the overlap is over, its call never succeeds and ends the session. */
      assert(!(sentLate && verdict == granted));
      assert(!sentLate || ended || tokenSalt != salt);
      if :: verdict == granted -> stolen = answer :: else fi;
      forget()
    }
  :: atomic { tries == THIEF_TRIES || gen >= ROTATIONS -> stolen = 0; break }
  od
}

/* A login reads the account (password, epoch) and makes the row afterwards: a revocation may come between. */
proctype login() {
  d_step { loginEpoch = userEpoch; rowEpoch = userEpoch }
  exists = true
}

/* The store's clock. */
proctype clock() {
  do
#if ATTEMPTS == SHARED
  :: d_step { overlap -> overlap = false; late = gen }
#elif ATTEMPTS == RACING
  :: d_step { overlap && underWay == 0 -> overlap = false; late = gen }                                      /* A1 */
#else
  :: d_step { overlap && underWay == 0 && (held == gen || wonByThief) -> overlap = false; late = gen }       /* A1, A2 */
#endif
  :: break
  od
}

/* Its 200 is `returned`. One of the acts, or none. */
proctype revoke() {
  byte seen;
  if
  :: true
  :: atomic { exists -> revoking = true; ended = true }; returned = true                             /* logout: endSession */
  :: atomic { revoking = true; userEpoch++ };                                       /* logout-all, disable: endAllSessions … */
    if :: atomic { exists -> ended = true } :: atomic { !exists } fi; returned = true   /* … then endSessionsOfUser */
  :: atomic { exists -> revoking = true; userEpoch++ };                                                           /* changePassword (docs/adr/0009) */
#ifdef SABOTAGE_ADOPT_FIRST
    atomic { if :: !ended && rowEpoch == loginEpoch -> rowEpoch = userEpoch :: else fi };
#endif
    /* renewSession: a new generation under a new salt, so that every token of before is a stranger's … */
    seen = gen;
    do
    :: atomic { ended -> break }
    :: atomic { !ended && gen == seen -> gen++; salt++; winner = 0; overlap = true; wonByThief = false; break }
    :: atomic { !ended && gen != seen -> seen = gen }
    od;
    /* … and only then adoptEpoch: from here on the session lives again. */
#ifndef SABOTAGE_ADOPT_FIRST
    atomic { if :: !ended && rowEpoch == loginEpoch -> rowEpoch = userEpoch :: else fi };
#endif
    returned = true
  fi
}

init {
  atomic {
    run login(); run clock(); run client(1); run client(2);
#if CLIENTS == 3
    run client(3);
#endif
#if THIEF_TRIES > 0
    run thief();
#endif
#if REVOCATIONS > 0
    run revoke()
#endif
  }
}
